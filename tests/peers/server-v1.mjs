// A stdio server built on `@modelcontextprotocol/sdk` 1.x: legacy era only.
//
// Its `McpServer` answers a call of an unknown tool with a tool error, not with -32602.
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import { registerTools } from './tools.mjs';

const server = new McpServer({ name: 'peer-server-v1', version: '1.0.0' });

registerTools((name, config, handler) => server.registerTool(name, config, handler), {
  signal: extra => extra.signal,
  progress: async (extra, progress, total) => {
    const progressToken = extra._meta?.progressToken;
    if (progressToken === undefined) return;
    await extra.sendNotification({ method: 'notifications/progress', params: { progressToken, progress, total } });
  }
});

// This SDK's transport does not notice the end of its input.
process.stdin.on('end', () => server.close());
await server.connect(new StdioServerTransport());
