// What a client does with `everything-server`: every feature once, whichever SDK it is built on.
//
// The caller gives the SDK's client, whose methods have the same names in both versions, and what
// differs:
//   callTool(params, options)      options: { signal, onprogress }
//   watch(uri)                     subscribes to a resource and to the lists, in the way of the era
//   logged(name)                   calls a tool so that it sends its log messages
//   heard                          { logs, updated, lists } as notifications come in
//   asked                          { forms, urls, samples, roots } as the server asks
//   answer                         how forms are answered: 'accept', 'decline' or 'cancel'
//   wire                           what `watch` of story.mjs says about the messages
//   cancellations                  how many cancellations are messages
//   notFound                       the error code of a resource that does not exist
import { gunzipSync } from 'node:zlib';
import { describe } from './story.mjs';

const TOOLS = [
  'echo', 'get-annotated-message', 'get-env', 'get-resource-links', 'get-resource-reference', 'get-roots-list',
  'get-structured-content', 'get-sum', 'get-tiny-image', 'gzip-file-as-resource', 'toggle-simulated-logging',
  'toggle-subscriber-updates', 'trigger-elicitation-request', 'trigger-long-running-operation',
  'trigger-sampling-request', 'trigger-url-elicitation',
  'json_schema_2020_12_tool', 'test_audio_content', 'test_elicitation', 'test_elicitation_sep1034_defaults',
  'test_elicitation_sep1330_enums', 'test_embedded_resource', 'test_error_handling', 'test_image_content',
  'test_input_required_result_capabilities', 'test_input_required_result_elicitation',
  'test_input_required_result_list_roots', 'test_input_required_result_multi_round',
  'test_input_required_result_multiple_inputs', 'test_input_required_result_request_state',
  'test_input_required_result_sampling', 'test_input_required_result_tampered_state', 'test_logging_tool',
  'test_missing_capability', 'test_multiple_content_types', 'test_reconnection', 'test_sampling',
  'test_simple_text', 'test_streaming_elicitation', 'test_tool_with_logging', 'test_tool_with_progress',
  'test_trigger_prompt_change', 'test_trigger_tool_change'
];
const PROMPTS = [
  'simple-prompt', 'args-prompt', 'completable-prompt', 'resource-prompt', 'test_simple_prompt',
  'test_prompt_with_arguments', 'test_prompt_with_embedded_resource', 'test_prompt_with_image',
  'test_input_required_result_prompt'
];
const RESOURCES = ['test://static-text', 'test://static-binary', 'test://watched-resource', 'demo://resource/static/document/README.md'];
const TEMPLATES = ['test://template/{id}/data', 'demo://resource/dynamic/text/{resourceId}', 'demo://resource/dynamic/blob/{resourceId}'];

export async function everything(client, peer) {
  const seen = { surprises: [] };
  const expect = (holds, text, got) => {
    if (!holds) seen.surprises.push(`${text}; got ${JSON.stringify(got)}`);
  };
  // Each step reports its own failure, so that one defect does not hide the others.
  const step = async (title, work) => {
    try {
      await work();
    } catch (error) {
      seen.surprises.push(`${title}: ${JSON.stringify(describe(error))}`);
    }
  };
  const call = (name, args = {}, options) => peer.callTool({ name, arguments: args }, options);
  const text = result => (result.content ?? []).filter(block => block.type === 'text').map(block => block.text).join('\n');
  const says = async (name, args, wanted) => {
    const result = await call(name, args);
    expect(!result.isError && text(result).includes(wanted), `\`${name}\` says ${JSON.stringify(wanted)}`, result);
    return result;
  };
  const until = async (title, holds) => {
    const deadline = performance.now() + 3000;
    while (!holds() && performance.now() < deadline) await new Promise(resolve => setTimeout(resolve, 10));
    expect(holds(), title, peer.heard);
  };
  const has = (what, listed, wanted) => {
    const missing = wanted.filter(name => !listed.includes(name));
    expect(missing.length === 0, `${what} are listed`, { missing });
  };

  await step('lists', async () => {
    const { tools } = await client.listTools();
    has('tools', tools.map(tool => tool.name), TOOLS);
    expect(tools.every(tool => tool.description && tool.inputSchema.type === 'object'), 'tools are described', tools);
    const focal = tools.find(tool => tool.name === 'json_schema_2020_12_tool')?.inputSchema ?? {};
    has('keywords', Object.keys(focal), ['$schema', '$defs', 'allOf', 'if', 'then', 'else', 'additionalProperties']);
    has('prompts', (await client.listPrompts()).prompts.map(prompt => prompt.name), PROMPTS);
    has('resources', (await client.listResources()).resources.map(resource => resource.uri), RESOURCES);
    has('templates', (await client.listResourceTemplates()).resourceTemplates.map(template => template.uriTemplate), TEMPLATES);
  });

  await step('content', async () => {
    await says('echo', { message: 'grüße' }, 'Echo: grüße');
    await says('get-sum', { a: 2, b: 40.5 }, 'The sum of 2 and 40.5 is 42.5.');
    await says('test_simple_text', {}, 'This is a simple text response for testing.');
    await says('get-env', {}, 'PATH');
    await says('test_reconnection', {}, 'completed');
    const kinds = async (name, wanted, args) => {
      const { content } = await call(name, args);
      expect(JSON.stringify(content.map(block => block.type)) === JSON.stringify(wanted), `\`${name}\` gives ${wanted}`, content);
      return content;
    };
    const [image] = await kinds('test_image_content', ['image']);
    expect(png(image.data) && image.mimeType === 'image/png', 'the picture is a PNG', image);
    const [audio] = await kinds('test_audio_content', ['audio']);
    expect(Buffer.from(audio.data, 'base64').subarray(0, 4).toString() === 'RIFF' && audio.mimeType === 'audio/wav', 'the sound is a WAV', audio);
    const [{ resource }] = await kinds('test_embedded_resource', ['resource']);
    expect(resource.text === 'This is an embedded resource content.', 'the resource is embedded', resource);
    await kinds('test_multiple_content_types', ['text', 'image', 'resource']);
    await kinds('get-tiny-image', ['text', 'image', 'text']);
    await kinds('get-resource-links', ['text', 'resource_link', 'resource_link'], { count: 2 });
    await kinds('get-resource-reference', ['text', 'resource', 'text'], { resourceType: 'Blob', resourceId: 3 });
    const [annotated] = await kinds('get-annotated-message', ['text', 'image'], { messageType: 'error', includeImage: true });
    expect(annotated.annotations?.priority === 1, 'the message is annotated', annotated);
    const weather = await call('get-structured-content', { location: 'Chicago' });
    expect(weather.structuredContent?.conditions === 'Windy', 'content is structured', weather);
    expect(JSON.parse(text(weather)).humidity === weather.structuredContent?.humidity, 'the text is the same', weather);
  });

  await step('errors', async () => {
    const failed = await call('test_error_handling');
    expect(failed.isError && text(failed).includes('intentionally'), 'a tool fails', failed);
    const wrong = await call('get-structured-content', { location: 'Atlantis' });
    expect(wrong.isError && text(wrong).includes('location'), 'the model is told which argument', wrong);
    const unfit = await call('json_schema_2020_12_tool', { name: 'x', contactMethod: 'phone', email: 'a@b.c' });
    expect(unfit.isError, 'a hand-written schema is checked', unfit);
    await says('json_schema_2020_12_tool', { name: 'x', contactMethod: 'phone', phone: '1' }, 'called with');
    const missing = await client.readResource({ uri: 'test://nonexistent' }).catch(describe);
    expect(missing.code === peer.notFound, 'an unknown resource is an error', missing);
    const prompt = await client.getPrompt({ name: 'args-prompt', arguments: {} }).catch(describe);
    expect(prompt.code === -32602, 'a missing argument of a prompt is an error', prompt);
  });

  await step('progress', async () => {
    const progress = [];
    await call('test_tool_with_progress', {}, { onprogress: update => progress.push(update.progress) });
    // The last may come in one read with the result, and both SDKs are too late for it then.
    expect('[0,50,100]'.startsWith(JSON.stringify(progress).slice(0, -1)) && progress.length >= 2, 'progress is reported', progress);
    const slow = [];
    await call('trigger-long-running-operation', { duration: 0.4, steps: 4 }, { onprogress: update => slow.push(update.progress) });
    expect(slow.length >= 3, 'a long operation reports progress', slow);
    seen.progress = [...progress, ...slow];
  });

  await step('cancellation', async () => {
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 100);
    const started = performance.now();
    const cancelled = await call('trigger-long-running-operation', { duration: 20, steps: 2 }, { signal: controller.signal }).catch(describe);
    expect(cancelled.kind !== undefined && performance.now() - started < 2000, 'a cancelled call ends at once', cancelled);
    await says('echo', { message: 'afterwards' }, 'afterwards');
  });

  await step('resources', async () => {
    const read = async uri => (await client.readResource({ uri })).contents[0];
    const fixed = await read('test://static-text');
    expect(fixed.text === 'This is the content of the static text resource.' && fixed.mimeType === 'text/plain', 'text is read', fixed);
    expect(png((await read('test://static-binary')).blob), 'bytes are read', {});
    const made = await read('test://template/123/data');
    expect(JSON.parse(made.text).id === '123' && made.uri === 'test://template/123/data', 'a template is read', made);
    expect((await read('demo://resource/dynamic/text/7')).text.includes('7'), 'text is made', {});
    expect((await read('demo://resource/dynamic/blob/7')).blob.length > 0, 'bytes are made', {});
    const none = await client.readResource({ uri: 'demo://resource/dynamic/text/0' }).catch(describe);
    expect(none.code === peer.notFound, 'there is no resource 0', none);
  });

  await step('prompts', async () => {
    const get = async (name, args) => (await client.getPrompt({ name, arguments: args })).messages;
    expect((await get('simple-prompt'))[0].content.text.length > 0, 'a prompt is given', {});
    expect((await get('args-prompt', { city: 'Chicago', state: 'Illinois' }))[0].content.text.includes('Chicago, Illinois'), 'arguments arrive', {});
    const [first] = await get('test_prompt_with_arguments', { arg1: 'hello', arg2: 'world' });
    expect(first.content.text === "Prompt with arguments: arg1='hello', arg2='world'", 'both arguments arrive', first);
    const [embedded] = await get('test_prompt_with_embedded_resource', { resourceUri: 'test://example-resource' });
    expect(embedded.content.resource?.uri === 'test://example-resource', 'a prompt embeds a resource', embedded);
    const [, resource] = await get('resource-prompt', { resourceType: 'Text', resourceId: '2' });
    expect(resource.content.resource?.uri.endsWith('/text/2'), 'a prompt embeds what is made', resource);
    const [image] = await get('test_prompt_with_image');
    expect(png(image.content.data), 'a prompt has a picture', image);
  });

  await step('completion', async () => {
    const complete = async (ref, name, value, context) =>
      (await client.complete({ ref, argument: { name, value }, ...(context && { context: { arguments: context } }) })).completion.values;
    const prompt = { type: 'ref/prompt', name: 'completable-prompt' };
    const departments = await complete(prompt, 'department', 'S');
    expect(JSON.stringify(departments) === '["Sales","Support"]', 'departments are suggested', departments);
    const people = await complete(prompt, 'name', 'E', { department: 'Sales' });
    expect(JSON.stringify(people) === '["Eve"]', 'the context counts', people);
    const par = await complete({ type: 'ref/prompt', name: 'test_prompt_with_arguments' }, 'arg1', 'par');
    expect(par.includes('paris'), 'the suite finds what it looks for', par);
    const ids = await complete({ type: 'ref/resource', uri: TEMPLATES[1] }, 'resourceId', '12');
    expect(JSON.stringify(ids) === '["12"]', 'a variable is completed', ids);
  });

  await step('elicitation', async () => {
    await says('test_elicitation', { message: 'Who are you?' }, 'action=accept');
    expect(peer.asked.forms.at(-1)?.message === 'Who are you?', 'the message arrives', peer.asked.forms.at(-1));
    await says('test_elicitation_sep1034_defaults', {}, 'Elicitation completed: action=accept');
    const { properties } = peer.asked.forms.at(-1).requestedSchema;
    const defaults = Object.values(properties).map(property => property.default);
    expect(JSON.stringify(defaults) === '["John Doe",30,95.5,"active",true]', 'every field has its default', properties);
    await says('test_elicitation_sep1330_enums', {}, 'Elicitation completed: action=accept');
    const choices = peer.asked.forms.at(-1).requestedSchema.properties;
    expect(Array.isArray(choices.titledSingle?.oneOf) && Array.isArray(choices.legacyEnum?.enumNames)
      && Array.isArray(choices.untitledMulti?.items?.enum) && Array.isArray(choices.titledMulti?.items?.anyOf), 'choices are of five kinds', choices);
    await says('trigger-elicitation-request', {}, 'The user provided');
    peer.answer = 'decline';
    await says('test_elicitation', { message: 'Well?' }, 'action=decline');
    peer.answer = 'cancel';
    await says('trigger-elicitation-request', {}, 'closed');
    peer.answer = 'accept';
    await says('test_streaming_elicitation', {}, 'Streaming complete');
    await says('trigger-url-elicitation', { url: 'https://example.com/sign-in' }, 'agreed');
    expect(peer.asked.urls.at(-1)?.url === 'https://example.com/sign-in', 'the address arrives', peer.asked.urls);
    const first = await call('trigger-url-elicitation', { url: 'https://example.com/', errorPath: true }).catch(describe);
    expect(first.code === -32042 && first.data?.elicitations?.length === 1, 'an address is wanted first', first);
  });

  await step('sampling and roots', async () => {
    await says('test_sampling', { prompt: 'Say something' }, 'LLM response: what the model says');
    await says('trigger-sampling-request', { prompt: 'Say something', maxTokens: 7 }, 'what the model says');
    expect(peer.asked.samples.at(-1)?.maxTokens === 7, 'the limit arrives', peer.asked.samples.at(-1));
    await says('get-roots-list', {}, 'file:///srv/films');
    await says('test_missing_capability', {}, 'sampling');
  });

  await step('input required', async () => {
    await says('test_input_required_result_elicitation', {}, 'Hello, filled in!');
    await says('test_input_required_result_sampling', {}, 'what the model says');
    await says('test_input_required_result_list_roots', {}, 'file:///srv/films');
    await says('test_input_required_result_request_state', {}, 'state-ok');
    await says('test_input_required_result_multiple_inputs', {}, 'filled in: what the model says (1 folders)');
    await says('test_input_required_result_multi_round', {}, 'filled in likes filled in');
    await says('test_input_required_result_tampered_state', {}, 'integrity-ok');
    await says('test_input_required_result_capabilities', {}, 'what the model says');
    const { messages } = await client.getPrompt({ name: 'test_input_required_result_prompt' });
    expect(messages[0].content.text.includes('filled in'), 'a prompt asks', messages);
  });

  await step('logging', async () => {
    peer.heard.logs.length = 0;
    await peer.logged('test_tool_with_logging');
    await until('three log messages come', () => peer.heard.logs.length >= 3);
    expect(peer.heard.logs.every(message => message.level === 'info'), 'their level is info', peer.heard.logs);
    await peer.logged('toggle-simulated-logging');
    await until('there are messages of all levels', () => new Set(peer.heard.logs.map(message => message.level)).size === 8);
    await call('toggle-simulated-logging');
    seen.logs = peer.heard.logs.length;
  });

  await step('changes', async () => {
    await peer.watch('test://watched-resource');
    await call('toggle-subscriber-updates');
    await until('the resource is said to have changed', () => peer.heard.updated.includes('test://watched-resource'));
    await call('toggle-subscriber-updates');
    expect(peer.heard.updated.every(uri => uri === 'test://watched-resource'), 'nothing else is', peer.heard.updated);
    await call('test_trigger_tool_change');
    await until('tools change', () => peer.heard.lists.includes('tools'));
    expect((await client.listTools()).tools.some(tool => tool.name === 'test_dynamic_tool'), 'there is a new tool', {});
    await says('test_dynamic_tool', {}, 'still here');
    await call('test_trigger_prompt_change');
    await until('prompts change', () => peer.heard.lists.includes('prompts'));
    expect((await client.listPrompts()).prompts.some(prompt => prompt.name === 'test_dynamic_prompt'), 'there is a new prompt', {});
    const { content: [link] } = await call('gzip-file-as-resource', { name: 'a.gz', data: 'data:text/plain;base64,aGVsbG8=' });
    await until('resources change', () => peer.heard.lists.includes('resources'));
    const packed = (await client.readResource({ uri: link.uri })).contents[0].blob;
    expect(gunzipSync(Buffer.from(packed, 'base64')).toString() === 'hello', 'the file is compressed', packed);
    expect((await client.listResources()).resources.some(resource => resource.uri === link.uri), 'the file is listed', link);
  });

  for (const text of peer.wire.violations) seen.surprises.push(text);
  expect(peer.wire.cancelled === peer.cancellations, 'a call was cancelled in the way of the era', peer.wire);
  seen.asked = Object.fromEntries(Object.entries(peer.asked).map(([kind, all]) => [kind, all.length]));
  seen.heard = peer.heard;
  return seen;
}

// What a client answers, whichever SDK it is built on.
export function answers(peer) {
  return {
    elicit: params => {
      if (params.mode === 'url') {
        peer.asked.urls.push(params);
        return { action: 'accept' };
      }
      peer.asked.forms.push(params);
      if (peer.answer !== 'accept') return { action: peer.answer };
      const { properties, required = [] } = params.requestedSchema;
      const wanted = Object.entries(properties).filter(([name]) => required.includes(name));
      return { action: 'accept', content: Object.fromEntries(wanted.map(([name, schema]) => [name, filled(schema)])) };
    },
    sample: params => {
      peer.asked.samples.push(params);
      return { role: 'assistant', content: { type: 'text', text: 'what the model says' }, model: 'test-model', stopReason: 'endTurn' };
    },
    roots: () => {
      peer.asked.roots.push({});
      return { roots: [{ uri: 'file:///srv/films', name: 'films' }] };
    }
  };
}

export function newPeer(notFound) {
  return {
    notFound,
    cancellations: 1,
    answer: 'accept',
    heard: { logs: [], updated: [], lists: [] },
    asked: { forms: [], urls: [], samples: [], roots: [] }
  };
}

function filled(schema) {
  if (schema.type === 'boolean') return true;
  if (schema.type === 'string') return schema.enum?.[0] ?? schema.oneOf?.[0].const ?? 'filled in';
  return schema.type === 'array' ? [] : 1;
}

function png(base64) {
  return Buffer.from(base64 ?? '', 'base64').subarray(1, 4).toString() === 'PNG';
}
