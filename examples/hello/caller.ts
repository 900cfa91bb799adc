import { createNexusClient } from "@nexus-mesh/sdk/client";
import { greeting } from "./contract.ts";

const token = process.env["MESH_TOKEN"];
if (token === undefined)
  throw new Error("set MESH_TOKEN: npx nexus-mesh token issue dev --role caller --subject me");

const mesh = createNexusClient({ url: "http://127.0.0.1:7400", token });
const hello = mesh.service({ endpoint: "hello", service: greeting });

// Waits for the answer, however long the handler takes.
const answer = await hello.execute("hello", { name: "World" });
console.log(answer.greeting);

// Or start it, keep its id, and ask later, from any process.
const operation = await hello.start("hello", { name: "again" }, { requestId: "hello-1" });
console.log(operation.operationId, await operation.result());

// Or watch it: each state and try, what it waits for, how far it is, and last how it ended.
for await (const event of operation.watch()) console.log(event);
