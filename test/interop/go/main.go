// The Nexus reference implementation, driven over stdin and seen on stdout: one JSON value a line.
//
//	interop handle   serves operations, as a handler behind the gateway
//	interop call     calls the gateway and receives its completions
package main

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"sync"
)

func main() {
	mode := ""
	if len(os.Args) > 1 {
		mode = os.Args[1]
	}
	switch mode {
	case "handle":
		handle()
	case "call":
		call()
	default:
		fmt.Fprintln(os.Stderr, "usage: interop handle | call")
		os.Exit(2)
	}
}

// listen serves on a free loopback port and returns its base URL.
func listen(handler http.Handler) string {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(err)
	go func() { must(http.Serve(listener, handler)) }()
	return "http://" + listener.Addr().String()
}

var printing sync.Mutex

func emit(event any) {
	line, err := json.Marshal(event)
	must(err)
	printing.Lock()
	defer printing.Unlock()
	_, err = os.Stdout.Write(append(line, '\n'))
	must(err)
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
