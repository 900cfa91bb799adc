import { describe, expect, it } from "vitest";
import { ConfigurationError } from "../../gateway/src/commands/configuration-error.ts";
import { isLoopback, resolveOptions } from "../../gateway/src/commands/resolve-options.ts";
import { generateMasterKey } from "../../gateway/src/identity/master-key.ts";

const environment = {
  DATABASE_URL: "postgres://localhost/mesh",
  NEXUS_MESH_MASTER_KEY: generateMasterKey(),
};
const publicUrl = "https://mesh.example/";

describe("without --dev", () => {
  it("all that is missing is named at once", () => {
    expect(() => resolveOptions({}, {})).toThrow(ConfigurationError);
    expect(() => resolveOptions({}, {})).toThrow(
      /DATABASE_URL.*NEXUS_MESH_MASTER_KEY.*--public-url/,
    );
    expect(() => resolveOptions({ publicUrl }, { ...environment, DATABASE_URL: "" })).toThrow(
      /^please set DATABASE_URL \([^)]*\); or/,
    );
  });

  it("a bad master key is refused and not repeated", () => {
    const given = { ...environment, NEXUS_MESH_MASTER_KEY: "hunter2" };
    expect(() => resolveOptions({ publicUrl }, given)).toThrow(/NEXUS_MESH_MASTER_KEY/);
    expect(() => resolveOptions({ publicUrl }, given)).not.toThrow(/hunter2/);
  });

  it("two master keys are taken for a rotation, and the public URL loses its slash", () => {
    const second = generateMasterKey();
    const keys = `${environment.NEXUS_MESH_MASTER_KEY}, ${second}`;
    const options = resolveOptions({ publicUrl }, { ...environment, NEXUS_MESH_MASTER_KEY: keys });
    expect(options.masterKeys).toEqual([environment.NEXUS_MESH_MASTER_KEY, second]);
    expect(options.publicUrl).toBe("https://mesh.example");
  });

  it.each(["mesh.example", "ftp://mesh.example", "https://mesh.example/?a=1"])(
    "%s is no public URL",
    (text) => {
      expect(() => resolveOptions({ publicUrl: text }, environment)).toThrow(/--public-url/);
    },
  );

  it("a listener for other machines needs a proxy with TLS, or --insecure", () => {
    const flags = { publicUrl, host: "0.0.0.0" };
    expect(() => resolveOptions(flags, environment)).toThrow(/--trusted-proxy.*--insecure/);
    expect(resolveOptions({ ...flags, insecure: true }, environment).host).toBe("0.0.0.0");
    const behind = resolveOptions({ ...flags, trustedProxy: ["10.0.0.0/8"] }, environment);
    expect(behind.trustedProxies).toEqual(["10.0.0.0/8"]);
  });

  it.each([
    ["127.0.0.1", true],
    ["127.9.9.9", true],
    ["::1", true],
    ["localhost", true],
    ["0.0.0.0", false],
    ["::", false],
    ["10.0.0.1", false],
    ["mesh.example", false],
  ])("%s is loopback: %s", (host, loopback) => {
    expect(isLoopback(host)).toBe(loopback);
  });
});
