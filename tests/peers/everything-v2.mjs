// Every feature of `everything-server`, with `@modelcontextprotocol/client` 2.x in the era it is told.
//
//   node everything-v2.mjs --era legacy|modern (--url <url> | [--] <command…>)
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { parseClient } from './arguments.mjs';
import { answers, everything, newPeer } from './everything.mjs';
import { tell, watch } from './story.mjs';

const { options, command: [command, ...args] } = parseClient(process.argv, ['era']);
const isModern = options.era === 'modern';
const mode = isModern ? { pin: '2026-07-28' } : 'legacy';

await tell(async () => {
  const capabilities = { elicitation: { form: {}, url: {} }, sampling: {}, roots: {} };
  const client = new Client({ name: 'peer-everything-v2', version: '2.0.0' }, { capabilities, versionNegotiation: { mode } });
  // This SDK gives -32002 of the legacy era the number of the modern one.
  const peer = newPeer(-32602);
  const { elicit, sample, roots } = answers(peer);
  client.setRequestHandler('elicitation/create', request => elicit(request.params));
  client.setRequestHandler('sampling/createMessage', request => sample(request.params));
  client.setRequestHandler('roots/list', roots);
  const { heard } = peer;
  client.setNotificationHandler('notifications/message', message => void heard.logs.push(message.params));
  client.setNotificationHandler('notifications/resources/updated', message => void heard.updated.push(message.params.uri));
  for (const list of ['tools', 'prompts', 'resources']) {
    client.setNotificationHandler(`notifications/${list}/list_changed`, () => void heard.lists.push(list));
  }

  const transport = options.url
    ? new StreamableHTTPClientTransport(new URL(options.url))
    : new StdioClientTransport({ command, args, stderr: 'inherit' });
  await client.connect(transport);
  peer.wire = watch(transport);
  // Over HTTP, the modern era cancels by closing the stream.
  if (options.url && isModern) peer.cancellations = 0;
  peer.callTool = (params, options) => client.callTool(params, options);
  let subscription;
  peer.watch = async uri => {
    if (!isModern) return client.subscribeResource({ uri });
    subscription = await client.listen({
      resourceSubscriptions: [uri],
      toolsListChanged: true,
      promptsListChanged: true,
      resourcesListChanged: true
    });
  };
  peer.logged = async name => {
    if (!isModern) await client.setLoggingLevel('debug');
    const _meta = isModern ? { 'io.modelcontextprotocol/logLevel': 'debug' } : undefined;
    await peer.callTool({ name, arguments: {}, ...(_meta && { _meta }) });
  };
  const seen = await everything(client, peer);
  seen.granted = subscription?.honoredFilter;
  await subscription?.close();
  await client.close();
  return seen;
});
