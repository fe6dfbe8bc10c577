// The tools that both servers offer. `register` takes one tool; `progress` and `signal`
// hide how each SDK spells its request context.
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';

const text = value => ({ content: [{ type: 'text', text: value }] });

export function registerTools(register, { signal, progress }) {
  register('echo', { description: 'Gives the message back.', inputSchema: { message: z.string() } }, async ({ message }) =>
    text(message)
  );

  register(
    'add',
    {
      description: 'Adds two numbers.',
      inputSchema: { a: z.number(), b: z.number() },
      outputSchema: { sum: z.number() }
    },
    async ({ a, b }) => ({ ...text(String(a + b)), structuredContent: { sum: a + b } })
  );

  register(
    'long_running',
    {
      description: 'Works for some seconds and reports every step.',
      inputSchema: { duration: z.number().min(0).max(60), steps: z.number().int().min(1).max(1000) }
    },
    async ({ duration, steps }, context) => {
      for (let step = 1; step <= steps; step++) {
        await sleep((duration * 1000) / steps, undefined, { signal: signal(context) });
        await progress(context, step, steps);
      }
      return text(`${steps} steps`);
    }
  );

  register(
    'slow',
    { description: 'Answers after some milliseconds.', inputSchema: { ms: z.number().min(0).max(60_000) } },
    async ({ ms }, context) => {
      await sleep(ms, undefined, { signal: signal(context) });
      return text(`waited ${ms} ms`);
    }
  );

  register('fail', { description: 'Always fails.', inputSchema: {} }, async () => ({
    ...text('this tool always fails'),
    isError: true
  }));
}
