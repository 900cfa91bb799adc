interface Schema {
  readonly properties: Readonly<Record<string, object>>;
  readonly required?: readonly string[];
}

/** The JSON Schema of the file of `nexus-mesh apply`, made of the API's own schemas: what it takes, the API takes. */
export function meshFileSchema(openApi: string): object {
  const { components, paths } = JSON.parse(openApi) as {
    components: {
      schemas: Record<"NamespaceInput" | "EndpointInput" | "EgressRule" | "GrantInput", Schema>;
    };
    paths: Record<string, { parameters?: unknown; put?: { parameters: Parameter[] } }>;
  };
  const { NamespaceInput, EndpointInput, EgressRule, GrantInput } = components.schemas;
  const nameIn = (path: string, name: string): object =>
    paths[path]?.put?.parameters.find((parameter) => parameter.name === name)?.schema ??
    fail(`the API has no ${name} in PUT ${path}`);
  const map = (
    propertyNames: object,
    additionalProperties: object,
    description: string,
  ): object => ({
    type: "object",
    propertyNames,
    additionalProperties,
    description,
    default: {},
  });
  return {
    $schema: "http://json-schema.org/draft-07/schema#",
    title: "mesh.yaml",
    description:
      "What nexus-mesh apply makes a mesh equal to. ${NAME} and ${NAME:-default} in values come from the environment; $$ is a $.",
    type: "object",
    additionalProperties: false,
    properties: {
      namespaces: map(
        nameIn("/v1/namespaces/{namespace}", "namespace"),
        object({
          ...NamespaceInput.properties,
          egress: {
            type: "array",
            maxItems: 200,
            items: object(EgressRule.properties, EgressRule.required),
            description: "Where targets and callbacks may be; none: public https hosts only.",
            default: [],
          },
        }),
        "Teams, by name.",
      ),
      endpoints: map(
        nameIn("/v1/endpoints/{endpoint}", "endpoint"),
        object(
          {
            ...EndpointInput.properties,
            policy: { ...EndpointInput.properties["policy"], default: {} },
            grants: map(
              nameIn("/v1/endpoints/{endpoint}/grants/{grant}", "grant"),
              object(GrantInput.properties, GrantInput.required),
              "Who may start what, by the grant's id.",
            ),
          },
          ["owner", ...(EndpointInput.required ?? [])],
        ),
        "Endpoints, by name.",
      ),
    },
  };
}

interface Parameter {
  readonly name: string;
  readonly schema: object;
}

function object(properties: object, required: readonly string[] = []): object {
  return { type: "object", properties, required, additionalProperties: false };
}

function fail(message: string): never {
  throw new Error(message);
}
