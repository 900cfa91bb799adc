module nexus-mesh/interop

go 1.26.8

require (
	github.com/nexus-rpc/sdk-go v0.6.0
	go.temporal.io/server v1.32.1
)

require github.com/google/uuid v1.6.0 // indirect
