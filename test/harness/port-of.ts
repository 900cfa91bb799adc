/** The port of a server that was told to take any (`listen(0)`). */
export function portOf(address: string | { port: number } | null): number {
  if (address === null || typeof address === "string")
    throw new Error("the server does not listen on TCP");
  return address.port;
}
