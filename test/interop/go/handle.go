package main

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/nexus-rpc/sdk-go/nexus"
	"go.temporal.io/server/common/nexus/nexusrpc"
)

type startSeen struct {
	Event       string            `json:"event"`
	Service     string            `json:"service"`
	Operation   string            `json:"operation"`
	RequestID   string            `json:"requestId"`
	CallbackURL string            `json:"callbackUrl"`
	Header      map[string]string `json:"header"`
	Links       []link            `json:"links"`
	Input       *content          `json:"input"`
}

type cancelSeen struct {
	Event     string `json:"event"`
	Service   string `json:"service"`
	Operation string `json:"operation"`
	Token     string `json:"token"`
}

// completeCommand, a line on stdin, ends an operation that the handler has started.
type completeCommand struct {
	ID     int         `json:"id"`
	Token  string      `json:"token"`
	Result *content    `json:"result"`
	Error  *errorShape `json:"error"`
	Links  []link      `json:"links"`
	// RFC 3339; both go out in the reference's own formats.
	StartTime time.Time `json:"startTime"`
	CloseTime time.Time `json:"closeTime"`
}

type completed struct {
	Event string      `json:"event"`
	ID    int         `json:"id"`
	Error *errorShape `json:"error,omitempty"`
}

// asyncInput is the input of the operation `later`.
type asyncInput struct {
	Token string `json:"token"`
	Links []link `json:"links"`
}

type callback struct {
	url    string
	header nexus.Header
}

type handler struct {
	nexus.UnimplementedHandler

	mu        sync.Mutex
	callbacks map[string]callback
}

func handle() {
	served := &handler{callbacks: map[string]callback{}}
	base := listen(http.StripPrefix("/nexus", nexusrpc.NewHTTPHandler(nexusrpc.HandlerOptions{Handler: served})))
	emit(map[string]string{"event": "listening", "url": base + "/nexus"})

	client := nexusrpc.NewCompletionHTTPClient(nexusrpc.CompletionHTTPClientOptions{})
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var command completeCommand
		must(json.Unmarshal(lines.Bytes(), &command))
		err := served.complete(client, command)
		emit(completed{Event: "completed", ID: command.ID, Error: errorFrom(err)})
	}
}

func (h *handler) StartOperation(
	ctx context.Context, service, operation string, input *nexus.LazyValue, options nexus.StartOperationOptions,
) (nexus.HandlerStartOperationResult[any], error) {
	value, err := contentOf(input)
	if err != nil {
		return nil, err
	}
	emit(startSeen{
		Event: "start", Service: service, Operation: operation,
		RequestID: options.RequestID, CallbackURL: options.CallbackURL,
		Header: headerOf(options.Header, "x-", "nexus-mesh-", "operation-timeout", "authorization"),
		Links:  linksFrom(options.Links), Input: value,
	})
	switch operation {
	case "fail":
		var shape errorShape
		if err := json.Unmarshal(value.Data, &shape); err != nil {
			return nil, nexus.NewHandlerErrorf(nexus.HandlerErrorTypeBadRequest, "invalid input: %v", err)
		}
		return nil, shape.toError()
	case "later":
		var asked asyncInput
		if err := json.Unmarshal(value.Data, &asked); err != nil {
			return nil, nexus.NewHandlerErrorf(nexus.HandlerErrorTypeBadRequest, "invalid input: %v", err)
		}
		links, err := linksTo(asked.Links)
		if err != nil {
			return nil, err
		}
		nexus.AddHandlerLinks(ctx, links...)
		h.mu.Lock()
		h.callbacks[asked.Token] = callback{url: options.CallbackURL, header: options.CallbackHeader}
		h.mu.Unlock()
		return &nexus.HandlerStartOperationResultAsync{OperationToken: asked.Token}, nil
	default:
		// Any other name echoes, so that names with every legal character can be tried.
		nexus.AddHandlerLinks(ctx, options.Links...)
		return &nexus.HandlerStartOperationResultSync[any]{Value: value.toNexus()}, nil
	}
}

func (h *handler) CancelOperation(
	_ context.Context, service, operation, token string, _ nexus.CancelOperationOptions,
) error {
	emit(cancelSeen{Event: "cancel", Service: service, Operation: operation, Token: token})
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, known := h.callbacks[token]; !known {
		return nexus.NewHandlerErrorf(nexus.HandlerErrorTypeNotFound, "operation %q not found", token)
	}
	return nil
}

func (h *handler) complete(client *nexusrpc.CompletionHTTPClient, command completeCommand) error {
	h.mu.Lock()
	to := h.callbacks[command.Token]
	h.mu.Unlock()
	links, err := linksTo(command.Links)
	if err != nil {
		return err
	}
	options := nexusrpc.CompleteOperationOptions{
		Header:         to.header,
		OperationToken: command.Token,
		StartTime:      command.StartTime,
		CloseTime:      command.CloseTime,
		Links:          links,
	}
	if command.Error != nil {
		options.Error = command.Error.toOperationError()
	} else {
		options.Result = command.Result.toNexus()
	}
	ctx, stop := context.WithTimeout(context.Background(), 10*time.Second)
	defer stop()
	return client.CompleteOperation(ctx, to.url, options)
}
