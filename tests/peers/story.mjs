// What every client here does with a server, whichever SDK it is built on.
//
// The caller gives an adapter, so that this file knows no SDK:
//   listTools()                    every page of the tools
//   callTool(params, options)      options: { signal, onprogress }
//   ping()                         or null where the era has no ping
//   errors                         what the SDK reported out of band
//   wire                           what `watch` says about the messages of the transport
// The result is a plain object for one line of JSON. Anything that should not have
// happened is a sentence in `surprises`; whoever runs the client exits with 1 then.

export async function story(client, { unknownToolIsResult = false } = {}) {
  const seen = { tools: [], calls: {}, surprises: [] };
  const surprise = text => seen.surprises.push(text);
  const expect = (holds, text, got) => {
    if (!holds) surprise(`${text}; got ${JSON.stringify(got)}`);
  };

  const tools = await client.listTools();
  seen.tools = tools.map(tool => tool.name);
  expect(new Set(seen.tools).size === seen.tools.length, 'tool names are unique', seen.tools);
  for (const name of ['echo', 'add', 'long_running', 'slow']) {
    expect(seen.tools.includes(name), `the server lists \`${name}\``, seen.tools);
  }
  for (const tool of tools) {
    expect(tool.inputSchema?.type === 'object', `\`${tool.name}\` takes an object`, tool.inputSchema);
  }

  const call = (name, args, options) => outcome(client, name, args, options);
  const record = async (key, name, args, options) => (seen.calls[key] = await call(name, args, options));

  const message = 'grüße, 世界 \u{1F30D} "quoted" \\ \n end';
  const echo = await record('echo', 'echo', { message });
  expect(echo.kind === 'result' && echo.text === message, '`echo` gives the message back', echo);

  const add = await record('add', 'add', { a: 2, b: 40 });
  expect(add.kind === 'result' && numbers(add).includes(42), '`add` gives 42', add);

  const progress = [];
  seen.progress = progress;
  const long = await record('long_running', 'long_running', { duration: 0.2, steps: 4 }, {
    onprogress: update => progress.push(update)
  });
  expect(long.kind === 'result', '`long_running` ends', long);
  expect(progress.length > 0, '`long_running` reports progress', progress);
  expect(rising(progress.map(update => update.progress)), 'progress rises', progress);

  for (const [key, args] of [['echo_without_arguments', {}], ['echo_with_a_number', { message: 7 }]]) {
    const wrong = await record(key, 'echo', args);
    expect(wrong.kind === 'toolError', 'arguments that do not fit are a tool error', wrong);
  }

  const unknown = await record('unknown_tool', 'no_such_tool', {});
  if (unknownToolIsResult) {
    expect(unknown.kind === 'toolError', 'an unknown tool is a tool error here', unknown);
  } else {
    expect(unknown.kind === 'protocolError' && unknown.code === -32602, 'an unknown tool is -32602', unknown);
  }

  if (seen.tools.includes('fail')) {
    const fail = await record('fail', 'fail', {});
    expect(fail.kind === 'toolError', '`fail` is a tool error', fail);
  }
  if (seen.tools.includes('boom')) {
    const boom = await record('boom', 'boom', {});
    const internal =
      (boom.kind === 'protocolError' && boom.code === -32603) ||
      (boom.kind === 'toolError' && /internal error/.test(boom.text));
    expect(internal, '`boom` is an internal error', boom);
  }

  seen.ping = client.ping ? await client.ping().then(() => 'answered', error => describe(error)) : 'not in this era';
  expect(typeof seen.ping === 'string', 'a ping is answered', seen.ping);

  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort('no longer needed'), 100);
  const started = performance.now();
  const cancelled = await record('slow_cancelled', 'slow', { ms: 600 }, { signal: controller.signal });
  clearTimeout(timer);
  expect(!('text' in cancelled), 'a cancelled call has no result', cancelled);
  expect(performance.now() - started < 500, 'a cancelled call ends at once', performance.now() - started);

  // Past the time at which the cancelled call would have been answered: an answer after
  // all shows in `errors`, and the connection must still work.
  const after = await record('slow_afterwards', 'slow', { ms: 700 });
  expect(after.kind === 'result', 'the connection works after a cancellation', after);

  const together = await Promise.all(Array.from({ length: 50 }, (_, i) => call('echo', { message: `number ${i}` })));
  expect(together.every((one, i) => one.text === `number ${i}`), 'concurrent calls get their own answers', together);
  seen.concurrent = together.length;

  // Both SDKs deliver notifications a turn later than responses. Progress that arrives in
  // one read with the response it precedes is therefore reported as unknown, though its
  // order on the wire was right; `watch` has seen the real order.
  seen.errors = client.errors.map(String).filter(text => !text.includes('progress notification for an unknown token'));
  expect(seen.errors.length === 0, 'nothing is reported out of band', seen.errors);
  seen.progressOnTheWire = client.wire.progress;
  expect(client.wire.progress >= 1, 'progress is on the wire', client.wire);
  expect(client.wire.cancelled === 1, 'one call was cancelled', client.wire);
  for (const text of client.wire.violations) surprise(text);
  return seen;
}

// Follows the messages of a connected transport: the order of progress and responses, and
// what still comes for a request that was cancelled.
export function watch(transport) {
  const wire = { progress: 0, cancelled: 0, violations: [] };
  const answered = new Set();
  const cancelled = new Set();
  const send = transport.send.bind(transport);
  transport.send = (message, ...more) => {
    if (message.method === 'notifications/cancelled') {
      wire.cancelled++;
      cancelled.add(message.params.requestId);
    }
    return send(message, ...more);
  };
  const deliver = transport.onmessage;
  transport.onmessage = (message, ...more) => {
    if (message.method === 'notifications/progress') {
      // Both SDKs use the request's id as its progress token.
      const token = message.params.progressToken;
      wire.progress++;
      if (answered.has(token)) wire.violations.push(`progress for request ${token} after its response`);
    } else if (message.method === undefined) {
      if (answered.has(message.id)) wire.violations.push(`a second response to request ${message.id}`);
      if (cancelled.has(message.id)) wire.violations.push(`a response to the cancelled request ${message.id}`);
      answered.add(message.id);
    }
    return deliver(message, ...more);
  };
  return wire;
}

async function outcome(client, name, args, options = {}) {
  try {
    const result = await client.callTool({ name, arguments: args }, options);
    const text = (result.content ?? []).filter(block => block.type === 'text').map(block => block.text).join('');
    const structured = result.structuredContent;
    return { kind: result.isError ? 'toolError' : 'result', text, ...(structured === undefined ? {} : { structured }) };
  } catch (error) {
    return describe(error);
  }
}

export function describe(error) {
  if (typeof error?.code === 'number') {
    return { kind: 'protocolError', code: error.code, message: error.message, ...(error.data === undefined ? {} : { data: error.data }) };
  }
  return { kind: 'localError', name: error?.name ?? typeof error, code: error?.code, message: String(error?.message ?? error) };
}

function numbers({ text, structured }) {
  const values = [Number(text)];
  if (typeof structured === 'number') values.push(structured);
  if (structured && typeof structured === 'object') values.push(...Object.values(structured));
  return values;
}

function rising(values) {
  return values.every((value, i) => i === 0 || value > values[i - 1]);
}

// Runs `main` and prints what it returns as one line; 1 when something was surprising.
export async function tell(main) {
  const watchdog = setTimeout(() => {
    console.error('the server did not let the client finish within 30 seconds');
    process.exit(2);
  }, 30_000);
  try {
    const seen = await main();
    console.log(JSON.stringify(seen));
    for (const text of seen.surprises) console.error(`surprise: ${text}`);
    process.exitCode = seen.surprises.length === 0 ? 0 : 1;
  } catch (error) {
    console.error(error);
    console.log(JSON.stringify({ surprises: [`the client threw: ${error?.message ?? error}`], thrown: describe(error) }));
    process.exitCode = 1;
  } finally {
    clearTimeout(watchdog);
  }
}
