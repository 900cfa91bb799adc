import { parseJson, readInput } from "./read-input.ts";
import { everyPage, whatIsThere, type Registration } from "./session.ts";
import { fields, table } from "./table.ts";

export function registerNamespaces({ program, session, terminal }: Registration): void {
  const namespace = program
    .command("namespace")
    .description("teams: owners of endpoints, tokens and egress rules");

  namespace
    .command("list")
    .description("every namespace you may see")
    .action(async () => {
      const { admin, show } = await session();
      const items = await everyPage(
        (cursor) =>
          admin.call("listNamespaces", {
            query: { limit: 200, ...(cursor === undefined ? {} : { cursor }) },
          }),
        10_000,
      );
      show(items, () =>
        table(
          ["NAME", "DESCRIPTION", "CREATED"],
          items.map((item) => [item.name, item.description, item.createdAt]),
        ),
      );
    });

  namespace
    .command("get <name>")
    .description("one namespace")
    .action(async (name: string) => {
      const { admin, show } = await session();
      const found = await admin.call("getNamespace", { path: { namespace: name } });
      show(found, () =>
        fields([
          ["name", found.name],
          ["description", found.description],
          ["created", found.createdAt],
        ]),
      );
    });

  namespace
    .command("put <name>")
    .description("create a namespace, or change its description; what is not given keeps its value")
    .option("--description <text>", 'what the team does; "" clears it')
    .action(async (name: string, { description }: { description?: string }) => {
      const { admin, show } = await session();
      const current =
        description === undefined
          ? await whatIsThere(admin.call("getNamespace", { path: { namespace: name } }))
          : undefined;
      const there =
        current ??
        (await admin.call("putNamespace", {
          path: { namespace: name },
          // A namespace has no version: what someone else has just made must not lose its description either.
          ...(description === undefined ? { headers: { "if-none-match": "*" } } : {}),
          body: { description: description ?? "" },
        }));
      show(there, () => `namespace ${name} is there\n`);
    });

  namespace
    .command("delete <name>")
    .description("delete a namespace that owns nothing and runs nothing")
    .action(async (name: string) => {
      const { admin, show } = await session();
      await admin.call("deleteNamespace", { path: { namespace: name } });
      show(undefined, () => `namespace ${name} is deleted\n`);
    });

  const egress = program
    .command("egress")
    .description("where a namespace's targets and callbacks may be");

  egress
    .command("get <namespace>")
    .description("the rules and their version")
    .action(async (name: string) => {
      const { admin, show } = await session();
      const policy = await admin.call("getEgressPolicy", { path: { namespace: name } });
      show(
        policy,
        () =>
          `version ${policy.version}\n${table(
            ["HOST", "PORTS", "CIDRS", "PLAIN HTTP"],
            policy.rules.map((rule) => [
              rule.host,
              rule.ports.join(","),
              rule.cidrs.join(","),
              rule.plainHttp,
            ]),
          )}`,
      );
    });

  egress
    .command("put <namespace> <rules>")
    .description('replace the rules: JSON [{"host":"*.example.com"}], @file, or - for stdin')
    .action(async (name: string, rules: string) => {
      const { admin, show } = await session();
      const parsed = parseJson(await readInput(rules, terminal), "the list of rules");
      const current = await admin.call("getEgressPolicy", { path: { namespace: name } });
      const put = await admin.call("putEgressPolicy", {
        path: { namespace: name },
        headers: { "if-match": `"${current.version}"` },
        // Whatever it is, the API's schema checks it and says what is wrong.
        body: { rules: parsed as typeof current.rules },
      });
      show(put, () => `egress of ${name} has version ${put.version}\n`);
    });

  const secret = program
    .command("secret")
    .description("the secret that signs a namespace's completions");

  secret
    .command("show <namespace>")
    .description("the secrets in use, for the SDK's callback receiver")
    .action(async (name: string) => {
      const { admin, show } = await session();
      const found = await admin.call("getCallbackSecret", { path: { namespace: name } });
      show(found, () => `${found.secrets.join("\n")}\n`);
    });

  secret
    .command("rotate <namespace>")
    .description("make a new one; the one before stays valid beside it")
    .action(async (name: string) => {
      const { admin, show } = await session();
      const found = await admin.call("rotateCallbackSecret", { path: { namespace: name } });
      show(found, () => `${found.secrets.join("\n")}\n`);
    });
}
