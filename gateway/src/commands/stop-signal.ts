/** The first SIGTERM or SIGINT. Later ones change nothing: npm passes on a Ctrl-C that the terminal sent already. */
export function stopSignal(): { readonly received: Promise<void>; dispose(): void } {
  let receive = (): void => undefined;
  const received = new Promise<void>((resolve) => {
    receive = resolve;
  });
  const onSignal = (): void => {
    receive();
  };
  process.on("SIGTERM", onSignal);
  process.on("SIGINT", onSignal);
  return {
    received,
    dispose() {
      process.off("SIGTERM", onSignal);
      process.off("SIGINT", onSignal);
    },
  };
}
