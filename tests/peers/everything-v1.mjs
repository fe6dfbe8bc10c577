// Every feature of `everything-server`, with `@modelcontextprotocol/sdk` 1.x: legacy era only.
//
//   node everything-v1.mjs (--url <url> | [--] <command…>)
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import {
  CreateMessageRequestSchema, ElicitRequestSchema, ListRootsRequestSchema, LoggingMessageNotificationSchema,
  PromptListChangedNotificationSchema, ResourceListChangedNotificationSchema, ResourceUpdatedNotificationSchema,
  ToolListChangedNotificationSchema
} from '@modelcontextprotocol/sdk/types.js';
import { parseClient } from './arguments.mjs';
import { answers, everything, newPeer } from './everything.mjs';
import { tell, watch } from './story.mjs';

const { options, command: [command, ...args] } = parseClient(process.argv);

await tell(async () => {
  const capabilities = { elicitation: { form: {}, url: {} }, sampling: {}, roots: {} };
  const client = new Client({ name: 'peer-everything-v1', version: '1.0.0' }, { capabilities });
  const peer = newPeer(-32002);
  const { elicit, sample, roots } = answers(peer);
  client.setRequestHandler(ElicitRequestSchema, request => elicit(request.params));
  client.setRequestHandler(CreateMessageRequestSchema, request => sample(request.params));
  client.setRequestHandler(ListRootsRequestSchema, roots);
  const { heard } = peer;
  client.setNotificationHandler(LoggingMessageNotificationSchema, message => void heard.logs.push(message.params));
  client.setNotificationHandler(ResourceUpdatedNotificationSchema, message => void heard.updated.push(message.params.uri));
  client.setNotificationHandler(ToolListChangedNotificationSchema, () => void heard.lists.push('tools'));
  client.setNotificationHandler(PromptListChangedNotificationSchema, () => void heard.lists.push('prompts'));
  client.setNotificationHandler(ResourceListChangedNotificationSchema, () => void heard.lists.push('resources'));

  const transport = options.url
    ? new StreamableHTTPClientTransport(new URL(options.url))
    : new StdioClientTransport({ command, args, stderr: 'inherit' });
  await client.connect(transport);
  peer.wire = watch(transport);
  peer.callTool = (params, options) => client.callTool(params, undefined, options);
  peer.watch = uri => client.subscribeResource({ uri });
  peer.logged = async name => {
    await client.setLoggingLevel('debug');
    await peer.callTool({ name, arguments: {} });
  };
  const seen = await everything(client, peer);
  await client.close();
  return seen;
});
