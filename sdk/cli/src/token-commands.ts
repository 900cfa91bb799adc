import { durationArgument } from "./duration-argument.ts";
import { everyPage, type Registration } from "./session.ts";
import { table } from "./table.ts";

interface IssueOptions {
  readonly role: "owner" | "caller" | "handler" | "viewer";
  readonly subject: string;
  readonly expires?: number;
}

export function registerTokens({ program, session, terminal }: Registration): void {
  const token = program.command("token").description("credentials of a namespace");

  token
    .command("list <namespace>")
    .description("every token that was issued, without its secret")
    .action(async (namespace: string) => {
      const { admin, show } = await session();
      const items = await everyPage(
        (cursor) =>
          admin.call("listTokens", {
            path: { namespace },
            query: { limit: 200, ...(cursor === undefined ? {} : { cursor }) },
          }),
        10_000,
      );
      show(items, () =>
        table(
          ["ID", "ROLE", "SUBJECT", "EXPIRES", "REVOKED"],
          items.map((item) => [item.id, item.role, item.subject, item.expiresAt, item.revokedAt]),
        ),
      );
    });

  token
    .command("issue <namespace>")
    .description("issue a token; it is shown once")
    .requiredOption("--role <role>", "owner, caller, handler or viewer")
    .requiredOption("--subject <text>", "whom it is for; shown to handlers and in the audit trail")
    .option("--expires <duration>", "90d unless given", durationArgument)
    .action(async (namespace: string, options: IssueOptions) => {
      const { admin, show } = await session();
      const issued = await admin.call("issueToken", {
        path: { namespace },
        body: {
          role: options.role,
          subject: options.subject,
          ...(options.expires === undefined ? {} : { expiresIn: `${options.expires}ms` }),
        },
      });
      show(issued, () => `${issued.token}\n`);
      terminal.stderr("keep it safe: it is not shown again\n");
    });

  token
    .command("revoke <namespace> <id>")
    .description("refused on every gateway within a second")
    .action(async (namespace: string, tokenId: string) => {
      const { admin, show } = await session();
      await admin.call("revokeToken", { path: { namespace, tokenId } });
      show(undefined, () => `token ${tokenId} is revoked\n`);
    });
}
