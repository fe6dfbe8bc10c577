// An OAuth 2.1 authorization server for machines: client credentials, mutual TLS (RFC 8705), tokens
// that are bound to the certificate they were asked for with.
//
// It reads one line of JSON from standard input, which says what to serve, and writes one for each
// thing that happens to standard output, the port first. It ends when standard input does, so that
// it never outlives whoever started it. Keys come in by the pipe and lie in no file.
//
// Every realm is an issuer of its own, with clients, keys and metadata of its own, below the one
// address: https://<host>:<port>/<realm>.

import { generateKeyPairSync, randomUUID, X509Certificate } from 'node:crypto';
import { createServer } from 'node:https';
import { createInterface } from 'node:readline';
import Provider, { errors } from 'oidc-provider';

process.on('SIGINT', () => {}); // a terminal sends it to both; standard input says when to end
createInterface({ input: process.stdin })
  .once('line', (line) => serve(JSON.parse(line)))
  .on('close', () => process.exit(0));

/// Listens, and makes the realms as soon as their addresses are known.
function serve({ host, certificate, key, trust_domains, realms }) {
  const authorities = new Map(
    Object.entries(trust_domains).map(([domain, pem]) => [domain, new X509Certificate(pem)]),
  );
  const server = createServer({
    cert: certificate,
    key,
    ca: Object.values(trust_domains),
    // A certificate is asked for, and the realm decides whether it is good enough: documents are
    // for everybody.
    requestCert: true,
    rejectUnauthorized: false,
    minVersion: 'TLSv1.2',
  });
  server.listen(0, '127.0.0.1', () => {
    const { port } = server.address();
    const place = `${host}:${port}`;
    const routes = new Map(realms.map((realm) => [realm.name, handler(place, realm, authorities)]));
    server.on('request', (request, response) => {
      const route = find(request, routes);
      if (request.headers.host !== place || !route) {
        response.writeHead(404).end();
        return;
      }
      // By the difference of the two it knows what it is mounted at.
      request.originalUrl = `/${route.name}${route.url}`;
      request.url = route.url;
      route.handle(request, response);
    });
    report({ event: 'listening', port });
  });
}

/// The realm that a request is for, and the path within it: `/<realm>/…`, or with the realm behind
/// the well-known part (RFC 8414, 3.1).
function find(request, routes) {
  const url = request.url.replace(
    /^(\/\.well-known\/(?:oauth-authorization-server|openid-configuration))\/([a-z]+)$/,
    '/$2$1',
  );
  const [, name, rest] = /^\/([a-z]+)(\/.*)$/.exec(url) ?? [];
  return routes.has(name) ? { name, url: rest, handle: routes.get(name) } : undefined;
}

/// An issuer. `audiences` says for which resources it gives tokens, with the scopes that there are,
/// and `lifetime` for how many seconds. `authorities` has the certificate of each trust domain's.
function handler(place, { name, audiences, lifetime, clients }, authorities) {
  const issuer = `https://${place}/${name}`;
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const signing = { ...privateKey.export({ format: 'jwk' }), kid: randomUUID(), use: 'sig', alg: 'ES256' };
  const shown = (ctx) => ctx.socket.getPeerX509Certificate();

  const provider = new Provider(issuer, {
    jwks: { keys: [signing] },
    cookies: { keys: [randomUUID()] },
    clients: clients.map(({ id, spiffe_id, scope, bound }) => ({
      client_id: id,
      scope,
      grant_types: ['client_credentials'],
      response_types: [],
      redirect_uris: [],
      token_endpoint_auth_method: 'tls_client_auth',
      tls_client_auth_san_uri: spiffe_id,
      tls_client_certificate_bound_access_tokens: bound,
    })),
    clientDefaults: { id_token_signed_response_alg: 'ES256' },
    clientAuthMethods: ['tls_client_auth'],
    ttl: { ClientCredentials: lifetime },
    scopes: [...new Set(Object.values(audiences).flatMap((scope) => scope.split(' ')))],
    features: {
      clientCredentials: { enabled: true },
      devInteractions: { enabled: false },
      userinfo: { enabled: false },
      rpInitiatedLogout: { enabled: false },
      pushedAuthorizationRequests: { enabled: false },
      dPoP: { enabled: false },
      mTLS: {
        enabled: true,
        certificateBoundAccessTokens: true,
        tlsClientAuth: true,
        getCertificate: (ctx) => shown(ctx)?.toString(),
        // `authorized`: one of the authorities vouches for it, today. It has to be that of its own
        // trust domain, or the authority of one could name the workloads of another.
        certificateAuthorized: (ctx) => {
          const root = authorities.get(trust_domain(shown(ctx)));
          return Boolean(root && ctx.socket.authorized && shown(ctx).verify(root.publicKey));
        },
        certificateSubjectMatches: (ctx, property, expected) =>
          property === 'tls_client_auth_san_uri' && spiffe_id(shown(ctx)) === expected,
      },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo(_ctx, resource) {
          const scope = audiences[resource];
          if (scope === undefined) throw new errors.InvalidTarget();
          return {
            scope,
            audience: resource,
            accessTokenFormat: 'jwt',
            accessTokenTTL: lifetime,
            jwt: { sign: { alg: 'ES256' } },
          };
        },
      },
    },
  });
  provider.use(async (ctx, next) => {
    await next();
    report(line_about(ctx, name));
  });
  provider.on('grant.error', (ctx, error) => {
    ctx.state.detail = error.error_detail;
  });
  provider.on('server_error', (ctx, error) => report({ event: 'failure', realm: name, error: String(error) }));
  return provider.callback();
}

/// The name in an X.509-SVID, which has exactly one.
function spiffe_id({ subjectAltName }) {
  return /^URI:(spiffe:\/\/[^\s,"]+)$/.exec(subjectAltName ?? '')?.[1];
}

function trust_domain(certificate) {
  return spiffe_id(certificate)?.split('/')[2];
}

/// What happened, without anything that is secret: no token, no assertion, no key.
function line_about(ctx, realm) {
  const asked = ctx.oidc?.params ?? {};
  const certificate = ctx.socket.getPeerX509Certificate();
  return {
    event: ctx.oidc?.route === 'token' ? 'token' : 'document',
    realm,
    request: `${ctx.method} ${ctx.path}`,
    client: asked.client_id,
    grant: asked.grant_type,
    resource: asked.resource,
    spiffe: certificate && spiffe_id(certificate),
    status: ctx.status,
    error: ctx.body?.error,
    reason: ctx.state.detail ?? ctx.body?.error_description,
  };
}

function report(event) {
  process.stdout.write(`${JSON.stringify(event)}\n`);
}
