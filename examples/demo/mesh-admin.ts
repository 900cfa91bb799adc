import { createAdminClient } from "@nexus-mesh/sdk/admin";
