import { createHmac } from 'node:crypto';
import { describe, expect } from 'vitest';
import { hatchet } from '../client';
import { scenario } from '../harness/scenario';
import { steps } from '../harness/trail';
import { until } from '../harness/until';

const SECRET = 'a very secret secret';

const base = (key: string) => ({
  name: key, eventKeyExpression: "'compat:signup'", staticPayload: { n: 42 },
});

const hmac = (text: string, algorithm = 'sha256', encoding: 'hex' | 'base64' = 'hex', secret: string | Buffer = SECRET) =>
  createHmac(algorithm, secret).update(text).digest(encoding);

const make = (key: string, more: object) => hatchet.webhooks.create({ ...base(key), ...more } as any);

function post(key: string, body: string, headers: Record<string, string> = {}) {
  const url = `${process.env.HATCHET_CLIENT_API_URL}/api/v1/stable/tenants/${hatchet.tenantId}/webhooks/${key}`;
  return fetch(url, { method: 'POST', body, headers: { 'content-type': 'application/json', ...headers } });
}

const signed = (header: string, algorithm = 'SHA256', encoding = 'HEX') =>
  ({ algorithm, encoding, signatureHeaderName: header, signingSecret: SECRET });

const arrived = (key: string) => until('the event', () => steps(key, 'on-signup')[0]);

describe('webhooks', () => {
  scenario('a signed request becomes an event', {}, async (key) => {
    await make(key, { sourceName: 'GENERIC', auth: signed('X-Signature') });
    const body = JSON.stringify({ key, from: 'outside' });
    const answer = await post(key, body, { 'x-signature': hmac(body) });
    expect([answer.status, await answer.text()]).toEqual([204, '']);
    expect((await arrived(key)).data.n).toBe(42);
  });

  scenario('a request with a wrong signature, or none, is refused', {}, async (key) => {
    await make(key, { sourceName: 'GENERIC', auth: signed('X-Signature') });
    const body = JSON.stringify({ key });
    expect((await post(key, body, { 'x-signature': hmac(`${body} `) })).status).toBe(403);
    expect((await post(key, body)).status).toBe(403);
    expect((await post(`${key}-unknown`, body)).status).toBe(400);
    expect(steps(key)).toHaveLength(0);
  });

  scenario('a name and a password let pass', {}, async (key) => {
    await make(key, { sourceName: 'GENERIC', auth: { username: 'ann', password: 'pass' } });
    const body = JSON.stringify({ key });
    const basic = (text: string) => ({ authorization: `Basic ${Buffer.from(text).toString('base64')}` });
    expect((await post(key, body, basic('ann:wrong'))).status).toBe(403);
    expect((await post(key, body, basic('ann:pass'))).status).toBe(204);
    await arrived(key);
  });

  scenario('a key in a header lets pass', {}, async (key) => {
    await make(key, { sourceName: 'GENERIC', auth: { headerName: 'X-Api-Key', apiKey: 'open sesame' } });
    const body = JSON.stringify({ key });
    expect((await post(key, body, { 'x-api-key': 'open' })).status).toBe(403);
    expect((await post(key, body, { 'x-api-key': 'open sesame' })).status).toBe(204);
    await arrived(key);
  });

  scenario('a request of GitHub is understood', {}, async (key) => {
    await make(key, { sourceName: 'GITHUB', auth: signed('X-Hub-Signature-256') });
    const body = JSON.stringify({ key, action: 'opened' });
    expect((await post(key, body, { 'x-hub-signature-256': `sha256=${hmac(body)}` })).status).toBe(204);
    await arrived(key);
  });

  scenario('a request of Stripe is understood, but no old one', {}, async (key) => {
    await make(key, { sourceName: 'STRIPE', auth: signed('Stripe-Signature') });
    const body = JSON.stringify({ key });
    const at = (time: number) => ({ 'stripe-signature': `t=${time},v1=${hmac(`${time}.${body}`)}` });
    const now = Math.floor(Date.now() / 1000);
    expect((await post(key, body, at(now - 3_600))).status).toBe(403);
    expect((await post(key, body, at(now))).status).toBe(204);
    await arrived(key);
  });

  scenario('a request of Slack is understood, and its challenge is answered', {}, async (key) => {
    await make(key, { sourceName: 'SLACK', auth: signed('X-Slack-Signature') });
    const challenge = await post(key, JSON.stringify({ type: 'url_verification', challenge: 'abc' }));
    expect(await challenge.json()).toMatchObject({ challenge: 'abc' });
    const now = String(Math.floor(Date.now() / 1000));
    const body = new URLSearchParams({ payload: JSON.stringify({ key }) }).toString();
    const answer = await post(key, body, {
      'content-type': 'application/x-www-form-urlencoded',
      'x-slack-request-timestamp': now, 'x-slack-signature': `v0=${hmac(`v0:${now}:${body}`)}`,
    });
    expect(answer.status).toBe(204);
    await arrived(key);
  });

  scenario('a request signed by Svix is understood', {}, async (key) => {
    const raw = Buffer.from('a secret of svix');
    const auth = { ...signed('svix-signature', 'SHA256', 'BASE64'), signingSecret: `whsec_${raw.toString('base64')}` };
    await make(key, { sourceName: 'SVIX', auth });
    const body = JSON.stringify({ key });
    const now = String(Math.floor(Date.now() / 1000));
    const signature = hmac(`msg_1.${now}.${body}`, 'sha256', 'base64', raw);
    const headers = { 'svix-id': 'msg_1', 'svix-timestamp': now, 'svix-signature': `v1,AAAA v1,${signature}` };
    expect((await post(key, body, headers)).status).toBe(204);
    await arrived(key);
  });

  scenario('a webhook can be listed, read, changed and deleted, and never tells its secret', {}, async (key) => {
    const made = await make(key, { sourceName: 'GENERIC', auth: { username: 'ann', password: SECRET } });
    expect(made).toMatchObject({ name: key, sourceName: 'GENERIC', authType: 'BASIC' });
    expect((await hatchet.webhooks.list({ webhookNames: [key] })).rows).toHaveLength(1);
    await hatchet.webhooks.update(key, { eventKeyExpression: "'compat:other'" });
    const read = await hatchet.webhooks.get(key);
    expect(read.eventKeyExpression).toBe("'compat:other'");
    expect(JSON.stringify([made, read])).not.toContain(SECRET);
    await hatchet.webhooks.delete(key);
    await expect(hatchet.webhooks.get(key)).rejects.toMatchObject({ response: { status: 404 } });
  });

  scenario('a webhook that is there already, or cannot be read, is refused', {}, async (key) => {
    const auth = { username: 'a', password: 'b' };
    await make(key, { sourceName: 'GENERIC', auth });
    const bad = { response: { status: 400 } };
    await expect(make(key, { sourceName: 'GENERIC', auth })).rejects.toMatchObject(bad);
    await expect(make(`${key}-2`, { sourceName: 'GENERIC', auth, eventKeyExpression: 'input.' })).rejects.toMatchObject(bad);
  });
});
