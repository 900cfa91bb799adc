/** What a person must set before the command can run: EX_CONFIG of sysexits.h. */
export const configurationExitCode = 78;

export class ConfigurationError extends Error {
  override readonly name = "ConfigurationError";
}
