package main

import (
	"errors"
	"io"
	"net/url"
	"strings"

	"github.com/nexus-rpc/sdk-go/nexus"
	"go.temporal.io/server/common/nexus/nexusrpc"
)

// content is a payload as it lies on the wire: bytes (base64 in JSON) and `Content-*` headers without their prefix.
type content struct {
	Header map[string]string `json:"header"`
	Data   []byte            `json:"data"`
}

func (c content) toNexus() *nexus.Content {
	return &nexus.Content{Header: c.Header, Data: c.Data}
}

// contentOf reads a payload before any serializer has touched it. The length is the transport's.
func contentOf(value *nexus.LazyValue) (*content, error) {
	data, err := io.ReadAll(value.Reader)
	if err != nil {
		return nil, err
	}
	if err := value.Reader.Close(); err != nil {
		return nil, err
	}
	header := map[string]string{}
	for name, text := range value.Reader.Header {
		if name != "length" {
			header[name] = text
		}
	}
	return &content{Header: header, Data: data}, nil
}

type link struct {
	URL  string `json:"url"`
	Type string `json:"type"`
}

func linksFrom(links []nexus.Link) []link {
	out := []link{}
	for _, one := range links {
		out = append(out, link{URL: one.URL.String(), Type: one.Type})
	}
	return out
}

func linksTo(links []link) ([]nexus.Link, error) {
	var out []nexus.Link
	for _, one := range links {
		parsed, err := url.Parse(one.URL)
		if err != nil {
			return nil, err
		}
		out = append(out, nexus.Link{URL: parsed, Type: one.Type})
	}
	return out, nil
}

// errorShape is an error in JSON, the same when it is made and when it was decoded, so that both can be compared.
type errorShape struct {
	// handler, operation, failure (of neither Nexus type) or unexpected (seen only).
	Kind       string         `json:"kind"`
	Type       string         `json:"type,omitempty"`
	State      string         `json:"state,omitempty"`
	Message    string         `json:"message,omitempty"`
	StackTrace string         `json:"stackTrace,omitempty"`
	Retryable  *bool          `json:"retryable,omitempty"`
	Failure    *nexus.Failure `json:"failure,omitempty"`
	Cause      *errorShape    `json:"cause,omitempty"`
}

func (s *errorShape) toError() error {
	var cause error
	if s.Cause != nil {
		cause = s.Cause.toError()
	}
	switch s.Kind {
	case "handler":
		behavior := nexus.HandlerErrorRetryBehaviorUnspecified
		if s.Retryable != nil && *s.Retryable {
			behavior = nexus.HandlerErrorRetryBehaviorRetryable
		} else if s.Retryable != nil {
			behavior = nexus.HandlerErrorRetryBehaviorNonRetryable
		}
		return &nexus.HandlerError{
			Type:          nexus.HandlerErrorType(s.Type),
			Message:       s.Message,
			StackTrace:    s.StackTrace,
			RetryBehavior: behavior,
			Cause:         cause,
		}
	case "operation":
		return s.toOperationError()
	case "failure":
		return &nexus.FailureError{Failure: *s.Failure}
	default:
		return errors.New(s.Message)
	}
}

func (s *errorShape) toOperationError() *nexus.OperationError {
	var cause error
	if s.Cause != nil {
		cause = s.Cause.toError()
	}
	return &nexus.OperationError{
		State:      nexus.OperationState(s.State),
		Message:    s.Message,
		StackTrace: s.StackTrace,
		Cause:      cause,
	}
}

func errorFrom(err error) *errorShape {
	switch typed := err.(type) {
	case nil:
		return nil
	case *nexus.HandlerError:
		return &errorShape{
			Kind:       "handler",
			Type:       string(typed.Type),
			Message:    typed.Message,
			StackTrace: typed.StackTrace,
			Retryable:  override(typed.RetryBehavior),
			Cause:      errorFrom(typed.Cause),
		}
	case *nexus.OperationError:
		return &errorShape{
			Kind:       "operation",
			State:      string(typed.State),
			Message:    typed.Message,
			StackTrace: typed.StackTrace,
			Cause:      errorFrom(typed.Cause),
		}
	case *nexus.FailureError:
		return &errorShape{Kind: "failure", Failure: &typed.Failure}
	case *nexusrpc.UnexpectedResponseError:
		return &errorShape{Kind: "unexpected", Message: typed.Message, Failure: typed.Failure}
	default:
		return &errorShape{Kind: "unexpected", Message: err.Error()}
	}
}

func override(behavior nexus.HandlerErrorRetryBehavior) *bool {
	if behavior == nexus.HandlerErrorRetryBehaviorUnspecified {
		return nil
	}
	retryable := behavior == nexus.HandlerErrorRetryBehaviorRetryable
	return &retryable
}

// headerOf shows only what a test itself may have sent: the transport's own headers change from version to version.
func headerOf(header map[string]string, prefixes ...string) map[string]string {
	out := map[string]string{}
	for name, value := range header {
		for _, prefix := range prefixes {
			if strings.HasPrefix(strings.ToLower(name), prefix) {
				out[strings.ToLower(name)] = value
			}
		}
	}
	return out
}
