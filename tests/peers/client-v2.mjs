// A client built on `@modelcontextprotocol/client` 2.x, in the era it is told.
//
//   node client-v2.mjs --era legacy|modern|auto [--expect-era legacy|modern] [--unknown-tool-is-result] [--] <command…>
//
// `modern` pins the revision below and never falls back; `auto` asks `server/discover` and
// falls back to `initialize`.
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { parseClient } from './arguments.mjs';
import { story, tell, watch } from './story.mjs';

const MODERN = '2026-07-28';
const MODES = { legacy: 'legacy', modern: { pin: MODERN }, auto: 'auto' };

const { options, command: [command, ...args] } = parseClient(process.argv, ['era', 'expect-era']);
const mode = MODES[options.era ?? 'auto'];
if (mode === undefined) {
  console.error(`--era is one of ${Object.keys(MODES).join(', ')}`);
  process.exit(2);
}

await tell(async () => {
  const client = new Client({ name: 'peer-client-v2', version: '2.0.0' }, { versionNegotiation: { mode } });
  const errors = [];
  client.onerror = error => errors.push(error);
  const transport = new StdioClientTransport({ command, args, stderr: 'inherit' });
  await client.connect(transport);

  const era = client.getProtocolEra();
  const seen = {
    client: 'v2',
    mode: options.era ?? 'auto',
    era,
    protocolVersion: client.getNegotiatedProtocolVersion(),
    serverInfo: client.getServerVersion(),
    capabilities: client.getServerCapabilities(),
    discover: client.getDiscoverResult(),
    ...(await story(
      {
        errors,
        wire: watch(transport),
        listTools: async () => (await client.listTools()).tools,
        callTool: (params, options) => client.callTool(params, options),
        ping: era === 'modern' ? null : () => client.ping()
      },
      { unknownToolIsResult: options['unknown-tool-is-result'] }
    ))
  };
  const expected = options['expect-era'];
  if (expected !== undefined && era !== expected) seen.surprises.push(`the era is ${era}, expected ${expected}`);
  const closing = performance.now();
  await client.close();
  seen.closedInMs = Math.round(performance.now() - closing);
  if (seen.closedInMs > 1500) seen.surprises.push(`the server takes ${seen.closedInMs} ms to leave at end of input`);
  return seen;
});
