// An authorization server as real as they get: `oidc-provider`, set up for one test.
//
// The first line of standard input says what is wanted, one line of standard output says where it
// is, and the end of standard input ends it: a test that vanishes leaves nothing behind.
//
//   { "resource": "http://127.0.0.1:4000/mcp",    the one resource that tokens are issued for
//     "scopes": ["orders:read"],                  its scopes
//     "clients": [{ "client_id": … }],            as in a registration
//     "nonces": true,                             proofs (RFC 9449) need a nonce
//     "access_token_seconds": 600,
//     "tls": { "key": …, "certificate": …, "authority": … } }   in PEM
//
// With `tls`, the endpoints are reached over HTTPS; client certificates are asked for only behind
// `mtls_endpoint_aliases` (RFC 8705, 5), as servers for people do it.

import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { createInterface } from 'node:readline';

import { exportJWK, generateKeyPair } from 'jose';
import Provider, { errors } from 'oidc-provider';

const input = createInterface({ input: process.stdin });
const { value: line } = await input[Symbol.asyncIterator]().next();
const wanted = JSON.parse(line);
process.stdin.on('end', () => process.exit(0));
process.stdin.resume();

// What people would be told about settings for production is of no use to tests.
console.warn = console.info = () => {};

const listening = async (server) => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server.address().port;
};

const tls = wanted.tls && {
  key: wanted.tls.key,
  cert: wanted.tls.certificate,
  ca: wanted.tls.authority,
};
const server = tls ? createTlsServer(tls) : createServer();
const origin = `${tls ? 'https://localhost' : 'http://127.0.0.1'}:${await listening(server)}`;
// Whether a certificate is good enough depends on the client, so that the handshake lets all in.
const mutual = tls && createTlsServer({ ...tls, requestCert: true, rejectUnauthorized: false });
const mutual_origin = mutual && `https://localhost:${await listening(mutual)}`;

const { privateKey } = await generateKeyPair('ES256', { extractable: true });
const provider = new Provider(origin, {
  clients: wanted.clients,
  jwks: { keys: [{ ...(await exportJWK(privateKey)), alg: 'ES256', use: 'sig', kid: 'tests' }] },
  clientAuthMethods: [
    'none',
    'client_secret_basic',
    'client_secret_post',
    'private_key_jwt',
    ...(tls ? ['tls_client_auth', 'self_signed_tls_client_auth'] : []),
  ],
  clientDefaults: { id_token_signed_response_alg: 'ES256' },
  cookies: { keys: ['only for tests'] },
  ttl: { AccessToken: wanted.access_token_seconds, ClientCredentials: wanted.access_token_seconds },
  // Each refresh token is good for once, whoever the client is.
  rotateRefreshToken: true,
  discovery: mutual && { mtls_endpoint_aliases: { token_endpoint: `${mutual_origin}/token` } },
  features: {
    devInteractions: { enabled: true },
    clientCredentials: { enabled: true },
    registration: { enabled: true },
    introspection: { enabled: true },
    dPoP: { enabled: true, nonceSecret: Buffer.alloc(32, 7), requireNonce: () => wanted.nonces === true },
    mTLS: {
      enabled: mutual !== undefined,
      certificateBoundAccessTokens: true,
      selfSignedTlsClientAuth: true,
      tlsClientAuth: true,
      getCertificate: ({ socket }) => {
        const raw = socket.getPeerCertificate?.().raw;
        return raw && new X509Certificate(raw);
      },
      certificateAuthorized: ({ socket }) => socket.authorized,
      certificateSubjectMatches: ({ socket }, property, expected) => {
        const { subjectaltname = '' } = socket.getPeerCertificate();
        const prefix = { tls_client_auth_san_uri: 'URI:', tls_client_auth_san_dns: 'DNS:' }[property];
        return subjectaltname.split(', ').includes(prefix + expected);
      },
    },
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo: (_context, resource) => {
        if (resource !== wanted.resource) throw new errors.InvalidTarget();
        return {
          scope: wanted.scopes.join(' '),
          audience: wanted.resource,
          accessTokenFormat: 'jwt',
          accessTokenTTL: wanted.access_token_seconds,
          jwt: { sign: { alg: 'ES256' } },
        };
      },
    },
  },
});

server.on('request', provider.callback());
mutual?.on('request', provider.callback());
console.log(JSON.stringify({ issuer: provider.issuer }));
