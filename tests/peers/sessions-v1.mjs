// What only HTTP has, with `@modelcontextprotocol/sdk` 1.x: streams that are resumed, sessions that end.
//
//   node sessions-v1.mjs --url <url>
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { CallToolResultSchema } from '@modelcontextprotocol/sdk/types.js';
import { parseClient } from './arguments.mjs';
import { describe, tell } from './story.mjs';

const url = new URL(parseClient(process.argv).options.url);
const LONG = { name: 'trigger-long-running-operation', arguments: { duration: 1.5, steps: 15 } };

async function connect(sessionId) {
  // Requests of this client that ask for streams, as they go out.
  const gets = [];
  const counting = (address, init) => {
    if (init?.method === 'GET') gets.push(init.headers.get('last-event-id'));
    return fetch(address, init);
  };
  const client = new Client({ name: 'peer-sessions-v1', version: '1.0.0' });
  const transport = new StreamableHTTPClientTransport(url, { sessionId, fetch: counting });
  await client.connect(transport);
  return { client, transport, gets };
}

await tell(async () => {
  const seen = { surprises: [] };
  const expect = (holds, text, got) => {
    if (!holds) seen.surprises.push(`${text}; got ${JSON.stringify(got)}`);
  };

  // A connection breaks in the middle of a call; another one hears the rest.
  const first = await connect();
  const { sessionId } = first.transport;
  expect(/^[\x21-\x7e]+$/.test(sessionId), 'the session has an id', sessionId);
  let token;
  const heard = [];
  const broken = first.client
    .request({ method: 'tools/call', params: LONG }, CallToolResultSchema, {
      onresumptiontoken: id => (token = id),
      onprogress: update => heard.push(update.progress)
    })
    .then(() => 'answered', describe);
  while (heard.length < 3) await new Promise(resolve => setTimeout(resolve, 5));
  await first.transport.close();
  expect((await broken) !== 'answered', 'the first connection hears no answer', await broken);
  const before = heard.at(-1);

  const second = await connect(sessionId);
  // The progress belongs to the token of the first client's call.
  const again = [];
  second.client.fallbackNotificationHandler = async message => void again.push(message.params?.progress);
  second.client.removeNotificationHandler('notifications/progress');
  const result = await second.client.request({ method: 'tools/call', params: LONG }, CallToolResultSchema, { resumptionToken: token });
  expect(JSON.stringify(result).includes('completed'), 'the answer is heard after all', result);
  const missed = Array.from({ length: 15 - before }, (_, i) => before + 1 + i);
  expect(JSON.stringify(again) === JSON.stringify(missed), 'each progress is heard once', { before, again });

  // The end of a session is the end for everybody who has its id.
  const third = await connect();
  await second.transport.terminateSession();
  const late = await connect(sessionId);
  const gone = await late.client.ping().then(() => 'answered', describe);
  expect(gone.code === 404, 'a session that has ended is gone', gone);
  const stream = await fetch(url, { headers: { accept: 'text/event-stream', 'mcp-session-id': sessionId, 'last-event-id': token } });
  expect(stream.status === 404, 'so are its streams', stream.status);
  expect((await third.client.ping().catch(describe)).kind === undefined, 'other sessions go on', {});
  for (const { client } of [second, third, late]) await client.close();
  seen.gets = [first, second, third].map(({ gets }) => gets.length);
  return seen;
});
