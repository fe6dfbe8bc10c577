// An HTTP server at a free port of this machine, which it names on standard error.
import { createServer } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

export function listen(answer) {
  const server = createServer((request, response) => {
    Promise.resolve(answer(request, response)).catch(error => {
      console.error(error);
      if (!response.headersSent) response.writeHead(500);
      response.end();
    });
  });
  server.listen(0, '127.0.0.1', () => console.error(`listening address=127.0.0.1:${server.address().port}`));
}

// Node.js requests for a handler of web-standard ones.
export function answering(handler) {
  return async (request, response) => {
    const gone = new AbortController();
    response.on('close', () => gone.abort());
    const hasBody = request.method === 'POST';
    const answer = await handler.fetch(
      new Request(`http://${request.headers.host}${request.url}`, {
        method: request.method,
        headers: Object.entries(request.headers),
        signal: gone.signal,
        ...(hasBody && { body: Readable.toWeb(request), duplex: 'half' })
      })
    );
    response.writeHead(answer.status, Object.fromEntries(answer.headers));
    response.flushHeaders();
    if (answer.body === null) return response.end();
    // A client that goes is no failure.
    await pipeline(Readable.fromWeb(answer.body), response).catch(error => {
      if (!gone.signal.aborted) throw error;
    });
  };
}
