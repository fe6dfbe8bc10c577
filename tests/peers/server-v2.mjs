// A server built on `@modelcontextprotocol/server` 2.x.
//
//   node server-v2.mjs [--http] [--era legacy|modern|both]
//
// `both`, the default, lets the first message decide; `modern` refuses `initialize`;
// `legacy` is the plain transport, which knows no `server/discover`. With `--http` it listens at a
// free port, which it names on standard error; there is no `legacy` then.
import { McpServer, createMcpHandler } from '@modelcontextprotocol/server';
import { StdioServerTransport, serveStdio } from '@modelcontextprotocol/server/stdio';
import { z } from 'zod';
import { parse } from './arguments.mjs';
import { answering, listen } from './listen.mjs';
import { registerTools } from './tools.mjs';

const { options } = parse(process.argv, ['era'], ['http']);
const era = options.http ? `http-${options.era ?? 'both'}` : (options.era ?? 'both');

function server() {
  const server = new McpServer({ name: 'peer-server-v2', version: '2.0.0' });
  const schema = shape => (shape === undefined ? undefined : z.object(shape));
  registerTools(
    (name, { inputSchema, outputSchema, ...config }, handler) =>
      server.registerTool(name, { ...config, inputSchema: schema(inputSchema), outputSchema: schema(outputSchema) }, handler),
    {
      signal: context => context.mcpReq.signal,
      progress: async (context, progress, total) => {
        const progressToken = context.mcpReq._meta?.progressToken;
        if (progressToken === undefined) return;
        await context.mcpReq.notify({ method: 'notifications/progress', params: { progressToken, progress, total } });
      }
    }
  );
  return server;
}

switch (era) {
  case 'both':
    serveStdio(server, { onerror: error => console.error(error) });
    break;
  case 'modern':
    serveStdio(server, { legacy: 'reject', onerror: error => console.error(error) });
    break;
  case 'http-both':
    listen(answering(createMcpHandler(server)));
    break;
  case 'http-modern':
    listen(answering(createMcpHandler(server, { legacy: 'reject' })));
    break;
  case 'legacy':
    await server().connect(new StdioServerTransport());
    break;
  default:
    console.error('--era is one of legacy, modern, both');
    process.exit(2);
}
