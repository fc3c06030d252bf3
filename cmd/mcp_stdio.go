package cmd

import (
	"context"
	"io"
	"sync"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// stdio is the transport of a session on two streams. It does not close them.
type stdio struct {
	in  io.Reader
	out io.Writer
}

// Connect starts the session.
func (s stdio) Connect(ctx context.Context) (mcp.Connection, error) {
	inner, err := (&mcp.IOTransport{Reader: io.NopCloser(s.in), Writer: nopCloser{s.out}}).Connect(ctx)
	if err != nil {
		return nil, err
	}
	c := &patientConn{Connection: inner, pending: map[jsonrpc.ID]bool{}}
	c.changed.L = &c.mu
	return c, nil
}

type nopCloser struct{ io.Writer }

func (nopCloser) Close() error { return nil }

// patientConn delays the end of the input until every call has been answered.
// At the end of the input the SDK drops pending calls, and so would not answer
// requests that come from a file or a pipe.
type patientConn struct {
	mcp.Connection

	mu      sync.Mutex
	changed sync.Cond
	pending map[jsonrpc.ID]bool
	closed  bool
}

func (c *patientConn) Read(ctx context.Context) (jsonrpc.Message, error) {
	msg, err := c.Connection.Read(ctx)
	c.mu.Lock()
	defer c.mu.Unlock()
	if call, ok := msg.(*jsonrpc.Request); ok && call.IsCall() {
		c.pending[call.ID] = true
	}
	for err != nil && len(c.pending) > 0 && !c.closed {
		c.changed.Wait()
	}
	return msg, err
}

func (c *patientConn) Write(ctx context.Context, msg jsonrpc.Message) error {
	err := c.Connection.Write(ctx, msg)
	if answer, ok := msg.(*jsonrpc.Response); ok {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.pending, answer.ID)
		c.changed.Broadcast()
	}
	return err
}

func (c *patientConn) Close() error {
	c.mu.Lock()
	c.closed = true
	c.changed.Broadcast()
	c.mu.Unlock()
	return c.Connection.Close()
}
