// oidc-provider in place of Visma Connect: its own protocol and sign-in pages, configured with
// Visma Connect's scopes, one-time refresh tokens and revocation. It prints its issuer in a line
// of JSON, and ends when its standard input ends, so that it never outlives its test.
import { createServer } from 'node:http';
import { Provider } from 'oidc-provider';

const api = 'vismanet_erp_interactive_api:';
const server = createServer();

server.listen(0, '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, {
    clients: [{
      client_id: process.env.CLIENT_ID,
      client_secret: process.env.CLIENT_SECRET,
      redirect_uris: [process.env.REDIRECT_URI],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'client_secret_basic',
    }],
    scopes: ['openid', 'offline_access', 'tenants', `${api}read`, `${api}create`, `${api}update`],
    claims: { openid: ['sub'], email: ['email'], profile: ['name'] },
    findAccount: (_, id) => ({
      accountId: id,
      claims: async () => ({ sub: id, email: `${id}@nordbutiken.example`, name: 'Astrid Ek' }),
    }),
    features: { revocation: { enabled: true }, devInteractions: { enabled: true } },
    rotateRefreshToken: true,
    ttl: { AccessToken: 3600, RefreshToken: 24 * 3600, Grant: 24 * 3600, Interaction: 600, Session: 600 },
    cookies: { keys: ['a key of this test only'] },
  });
  server.on('request', provider.callback());
  process.stdout.write(`${JSON.stringify({ issuer })}\n`);
});

process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
