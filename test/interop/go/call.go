package main

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"os"
	"time"

	"github.com/nexus-rpc/sdk-go/nexus"
	"go.temporal.io/server/common/nexus/nexusrpc"
)

// callCommand, a line on stdin, is one call. With a token it is a cancel, else a start.
type callCommand struct {
	ID        int    `json:"id"`
	BaseURL   string `json:"baseUrl"`
	Bearer    string `json:"bearer"`
	Service   string `json:"service"`
	Operation string `json:"operation"`
	Token     string `json:"token"`

	Input          content           `json:"input"`
	RequestID      string            `json:"requestId"`
	Header         map[string]string `json:"header"`
	Links          []link            `json:"links"`
	Callback       bool              `json:"callback"`
	CallbackHeader map[string]string `json:"callbackHeader"`
}

type callSeen struct {
	Event string      `json:"event"`
	ID    int         `json:"id"`
	Sync  *content    `json:"sync,omitempty"`
	Token string      `json:"token,omitempty"`
	Links []link      `json:"links,omitempty"`
	Error *errorShape `json:"error,omitempty"`
}

type completionSeen struct {
	Event     string            `json:"event"`
	State     string            `json:"state"`
	Token     string            `json:"token"`
	StartTime time.Time         `json:"startTime"`
	CloseTime time.Time         `json:"closeTime"`
	Links     []link            `json:"links"`
	Header    map[string]string `json:"header"`
	Result    *content          `json:"result,omitempty"`
	Error     *errorShape       `json:"error,omitempty"`
}

type completionReceiver struct{}

func call() {
	callbackURL := listen(nexusrpc.NewCompletionHTTPHandler(nexusrpc.CompletionHandlerOptions{
		Handler: completionReceiver{},
	})) + "/callback"
	emit(map[string]string{"event": "listening", "url": callbackURL})

	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var command callCommand
		must(json.Unmarshal(lines.Bytes(), &command))
		go func() { emit(command.run(callbackURL)) }()
	}
}

func (c callCommand) run(callbackURL string) callSeen {
	seen := callSeen{Event: "answer", ID: c.ID}
	client, err := nexusrpc.NewHTTPClient(nexusrpc.HTTPClientOptions{BaseURL: c.BaseURL, Service: c.Service})
	must(err)
	ctx, stop := context.WithTimeout(context.Background(), 15*time.Second)
	defer stop()
	header := nexus.Header{"authorization": "Bearer " + c.Bearer}
	for name, value := range c.Header {
		header.Set(name, value)
	}
	if c.Token != "" {
		handle, err := client.NewOperationHandle(c.Operation, c.Token)
		must(err)
		seen.Error = errorFrom(handle.Cancel(ctx, nexus.CancelOperationOptions{Header: header}))
		return seen
	}
	links, err := linksTo(c.Links)
	must(err)
	options := nexus.StartOperationOptions{
		Header: header, RequestID: c.RequestID, Links: links, CallbackHeader: c.CallbackHeader,
	}
	if c.Callback {
		options.CallbackURL = callbackURL
	}
	response, err := client.StartOperation(ctx, c.Operation, c.Input.toNexus(), options)
	if err != nil {
		seen.Error = errorFrom(err)
		return seen
	}
	seen.Links = linksFrom(response.Links)
	if response.Pending != nil {
		seen.Token = response.Pending.Token
		return seen
	}
	seen.Sync, err = contentOf(response.Successful)
	seen.Error = errorFrom(err)
	return seen
}

func (completionReceiver) CompleteOperation(_ context.Context, got *nexusrpc.CompletionRequest) error {
	seen := completionSeen{
		Event: "completion", State: string(got.State), Token: got.OperationToken,
		StartTime: got.StartTime, CloseTime: got.CloseTime, Links: linksFrom(got.Links),
		Header: headerOf(first(got.HTTPRequest.Header), "x-", "token", "authorization"),
	}
	if got.Error != nil {
		seen.Error = errorFrom(got.Error)
	} else {
		result, err := contentOf(got.Result)
		if err != nil {
			return err
		}
		seen.Result = result
	}
	emit(seen)
	return nil
}

func first(header http.Header) map[string]string {
	out := map[string]string{}
	for name := range header {
		out[name] = header.Get(name)
	}
	return out
}
