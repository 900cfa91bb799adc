import { contextsPath, NoContext, readContexts, saveContext, useContext } from "./contexts.ts";
import { InputUnreadable } from "./read-input.ts";
import type { GlobalOptions, Registration } from "./session.ts";
import { fields, table } from "./table.ts";

export function registerContexts({ program, session, terminal }: Registration): void {
  const context = program
    .command("context")
    .description("saved gateways and tokens (kept in a file that only you can read)");

  context
    .command("set <name>")
    .description(
      "save a context and use it; the token is read from stdin or NEXUS_MESH_TOKEN, never from the command line",
    )
    .requiredOption("--url <url>", "public URL of the gateway")
    .option("--namespace <name>", "namespace to act for, where the token acts for several")
    .action(async (name: string, options: { url: string; namespace?: string }) => {
      const token = (
        terminal.env["NEXUS_MESH_TOKEN"] ?? (await terminal.stdin()).toString()
      ).trim();
      if (token === "")
        throw new InputUnreadable("no token came: pipe it in, or set NEXUS_MESH_TOKEN");
      if (!URL.canParse(options.url))
        throw new InputUnreadable(`${JSON.stringify(options.url)} is not a URL`);
      await saveContext(
        name,
        { url: options.url.replace(/\/+$/, ""), token, namespace: options.namespace },
        terminal.env,
      );
      terminal.stdout(`context ${name} saved in ${contextsPath(terminal.env)}\n`);
    });

  context
    .command("use <name>")
    .description("make a context the current one")
    .action(async (name: string) => {
      if (!(await useContext(name, terminal.env)))
        throw new NoContext(`there is no context "${name}"`);
      terminal.stdout(`context ${name} is the current one\n`);
    });

  context
    .command("list")
    .description("every saved context, without its token")
    .action(async () => {
      const { current, contexts } = await readContexts(terminal.env);
      const rows = Object.entries(contexts).map(([name, { url, namespace }]) => ({
        name,
        current: name === current,
        url,
        namespace: namespace ?? null,
      }));
      if (program.opts<GlobalOptions>().json === true)
        terminal.stdout(`${JSON.stringify(rows, null, 2)}\n`);
      else
        terminal.stdout(
          table(
            ["NAME", "CURRENT", "URL", "NAMESPACE"],
            rows.map((row) => [row.name, row.current, row.url, row.namespace]),
          ),
        );
    });

  context
    .command("show")
    .description("where commands go at present")
    .action(async () => {
      const { context: chosen, show } = await session();
      const { url, namespace } = chosen;
      show({ url, namespace: namespace ?? null }, () =>
        fields([
          ["url", url],
          ["namespace", namespace],
        ]),
      );
    });

  program
    .command("whoami")
    .description("who the token says you are")
    .action(async () => {
      const { admin, show } = await session();
      const who = await admin.call("whoami", {});
      show(who, () =>
        fields(
          Object.entries(who).map(
            ([name, value]) =>
              [name, typeof value === "object" ? JSON.stringify(value) : value] as const,
          ),
        ),
      );
    });
}
