// A client built on `@modelcontextprotocol/sdk` 1.x: legacy era only.
//
//   node client-v1.mjs [--unknown-tool-is-result] [--] <command…>
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { parseClient } from './arguments.mjs';
import { story, tell, watch } from './story.mjs';

const { options, command: [command, ...args] } = parseClient(process.argv);

await tell(async () => {
  const client = new Client({ name: 'peer-client-v1', version: '1.0.0' });
  const errors = [];
  client.onerror = error => errors.push(error);
  const transport = new StdioClientTransport({ command, args, stderr: 'inherit' });
  let protocolVersion;
  transport.setProtocolVersion = version => (protocolVersion = version);
  await client.connect(transport);

  const seen = {
    client: 'v1',
    era: 'legacy',
    protocolVersion,
    serverInfo: client.getServerVersion(),
    capabilities: client.getServerCapabilities(),
    ...(await story(
      {
        errors,
        wire: watch(transport),
        listTools: async () => {
          const tools = [];
          let cursor;
          do {
            const page = await client.listTools(cursor === undefined ? {} : { cursor });
            tools.push(...page.tools);
            cursor = page.nextCursor;
          } while (cursor !== undefined);
          return tools;
        },
        callTool: (params, options) => client.callTool(params, undefined, options),
        ping: () => client.ping()
      },
      { unknownToolIsResult: options['unknown-tool-is-result'] }
    ))
  };
  const closing = performance.now();
  await client.close();
  seen.closedInMs = Math.round(performance.now() - closing);
  if (seen.closedInMs > 1500) seen.surprises.push(`the server takes ${seen.closedInMs} ms to leave at end of input`);
  return seen;
});
