// A server built on `@modelcontextprotocol/sdk` 1.x: legacy era only.
//
//   node server-v1.mjs [--http]
//
// With `--http` it listens at a free port, which it names on standard error.
// Its `McpServer` answers a call of an unknown tool with a tool error, not with -32602.
import { randomUUID } from 'node:crypto';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { parse } from './arguments.mjs';
import { listen } from './listen.mjs';
import { registerTools } from './tools.mjs';

function newServer() {
  const server = new McpServer({ name: 'peer-server-v1', version: '1.0.0' });
  registerTools((name, config, handler) => server.registerTool(name, config, handler), {
    signal: extra => extra.signal,
    progress: async (extra, progress, total) => {
      const progressToken = extra._meta?.progressToken;
      if (progressToken === undefined) return;
      await extra.sendNotification({ method: 'notifications/progress', params: { progressToken, progress, total } });
    }
  });
  return server;
}

if (parse(process.argv, [], ['http']).options.http) {
  const sessions = new Map();
  listen(async (request, response) => {
    const id = request.headers['mcp-session-id'];
    let transport = sessions.get(id);
    if (transport === undefined && id !== undefined) return response.writeHead(404).end();
    if (transport === undefined) {
      transport = new StreamableHTTPServerTransport({
        sessionIdGenerator: randomUUID,
        onsessioninitialized: id => void sessions.set(id, transport),
        onsessionclosed: id => void sessions.delete(id)
      });
      await newServer().connect(transport);
    }
    await transport.handleRequest(request, response);
  });
} else {
  const server = newServer();
  // This SDK's transport does not notice the end of its input.
  process.stdin.on('end', () => server.close());
  await server.connect(new StdioServerTransport());
}
