// SPDX-License-Identifier: ISC
// Keys of hubs that meet at a relay: first sight, changed keys, trust and
// distrust by hand, and a relay that plays a hub itself.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import { Duplex } from 'node:stream';
import tls from 'node:tls';

import { run, until } from './relay.mjs';
import { Authority, FakeRelay, RealRelay, Site } from './uplinknode.mjs';

const KEY = /^[0-9a-f]{64}$/;
const CHANGED = /key has changed.*hubctl trust beta/;
const cases = {};

const keys = async site => JSON.parse(await site.hubctl('-j', 'show',
    'keys')).keys;
const own = async site => (await until('its own key', async () =>
    (await keys(site)).find(k => k.state === 'own'))).key;
const of = async (site, hub) => (await keys(site))
    .filter(k => k.hub_id === hub && k.state !== 'own')
    .map(k => [k.state, k.key]).sort();

async function stage(more = '', relay = undefined)
{
	const t = { relay: relay ?? await new RealRelay().start() };

	for (const id of ['alpha', 'beta']) {
		t[id] = new Site(id);
		t[`${id}_conf`] = t[id].relay(t.relay.url) + more;
		await t[id].start(t[`${id}_conf`]);
	}
	t.ann = await t.alpha.session('ann');
	t.bob = await t.beta.session('bob');
	t.end = async () => {
		await Promise.all([t.alpha.end(), t.beta.end()]);
		await t.relay.stop();
	};
	return t;
}

// It comes when there is a link again, whatever it waits for.
async function say(t, text)
{
	const sent = await t.ann.call('relay_send', { to: 'bob@beta', text });

	return { ...sent, comes: () => t.bob.push({ msg_id: sent.msg_id }) };
}

// beta is another one from now on, with its data but for its key.
async function newKey(t)
{
	await t.beta.endSessions();
	await t.beta.stop();
	fs.unlinkSync(`${t.beta.data}/hub-key`);
	await t.beta.start(t.beta_conf);
	t.bob = await t.beta.session('bob');
}

// Until alpha says that of the link to beta.
const says = (t, error) => until(`${error}`, async () =>
    (await t.alpha.links()).find(l => l.hub_id === 'beta' &&
	l.state !== 'up' && error.test(l.error)));

cases['a key that is seen first is trusted'] = async () => {
	const t = await stage();

	await t.alpha.sees(t.ann, 'bob@beta');
	const a = await own(t.alpha), b = await own(t.beta);

	assert.match(a, KEY);
	assert.match(b, KEY);
	assert.notEqual(a, b);
	assert.deepEqual(await of(t.alpha, 'beta'), [['trusted', b]]);
	assert.deepEqual(await of(t.beta, 'alpha'), [['trusted', a]]);
	assert.equal(fs.statSync(`${t.alpha.data}/hub-key`).mode & 0o777,
	    0o600);
	assert.ok(t.alpha.said().includes(b), 'it is not in the log');
	// it stays the same
	await t.alpha.endSessions();
	await t.alpha.stop();
	await t.alpha.start(t.alpha_conf);
	await t.alpha.link('beta');
	assert.equal(await own(t.alpha), a);
	assert.deepEqual(await of(t.alpha, 'beta'), [['trusted', b]]);
	assert.deepEqual(await of(t.beta, 'alpha'), [['trusted', a]]);
	await t.end();
};

cases['a key that has changed is refused until it is trusted'] = async () => {
	const t = await stage();

	await t.alpha.sees(t.ann, 'bob@beta');
	const old = await own(t.beta);

	await newKey(t);
	const young = await own(t.beta);

	assert.notEqual(young, old);
	await says(t, CHANGED);
	assert.deepEqual(await of(t.alpha, 'beta'), [['pending', young],
	    ['trusted', old]].sort());
	const message = await say(t, 'to the new one');

	assert.equal(message.status, 'queued');
	await t.alpha.sees(t.ann);
	await t.alpha.hubctl('trust', 'beta');
	await message.comes();
	assert.deepEqual(await of(t.alpha, 'beta'), [['trusted', young]]);
	await t.end();
};

cases['strict: no key is trusted that nobody has looked at'] = async () => {
	const t = await stage('keys strict\n');
	const a = await own(t.alpha), b = await own(t.beta);

	await until('it is seen', async () => (await of(t.alpha, 'beta'))
	    .length > 0);
	assert.deepEqual(await of(t.alpha, 'beta'), [['pending', b]]);
	await until('the log says it', () => /not trusted.*hubctl trust beta/
	    .test(t.alpha.said()));
	await t.alpha.sees(t.ann);
	// one that it has not seen, perhaps; then the one that it has seen
	await t.beta.hubctl('trust', 'alpha', a);
	await t.alpha.hubctl('trust', 'beta');
	await t.alpha.link('beta');
	assert.deepEqual(await of(t.alpha, 'beta'), [['trusted', b]]);
	assert.deepEqual(await of(t.beta, 'alpha'), [['trusted', a]]);
	await (await say(t, 'strictly')).comes();
	// another one by hand: that one is wrong
	await t.alpha.hubctl('trust', 'beta', 'ab'.repeat(32));
	await t.beta.endSessions();
	await t.beta.stop();
	await t.beta.start(t.beta_conf);
	await says(t, CHANGED);
	await t.end();
};

cases['distrust closes the link, trust makes it again'] = async () => {
	const t = await stage();

	await t.alpha.sees(t.ann, 'bob@beta');
	const b = await own(t.beta);

	await t.alpha.hubctl('distrust', 'beta');
	await t.alpha.noLink('beta');
	await t.alpha.sees(t.ann);
	await t.beta.noLink('alpha');
	await says(t, /distrusted.*hubctl trust beta/);
	for (const [state] of await of(t.alpha, 'beta'))
		assert.equal(state, 'distrusted');
	const message = await say(t, 'not yet');

	assert.equal(message.status, 'queued');
	await t.alpha.hubctl('trust', 'beta');
	await message.comes();
	assert.deepEqual(await of(t.alpha, 'beta'), [['trusted', b]]);
	await t.end();
};

cases['two hubs with one key'] = async () => {
	const t = await stage();

	await t.alpha.sees(t.ann, 'bob@beta');
	await t.beta.endSessions();
	await t.beta.stop();
	fs.copyFileSync(`${t.alpha.data}/hub-key`, `${t.beta.data}/hub-key`);
	await t.beta.start(t.beta_conf);
	await says(t, /has this hub's key: each must have its own/);
	// and nothing has become of what was known
	assert.equal((await of(t.alpha, 'beta')).length, 1);
	await t.end();
};

cases['what cannot be done'] = async () => {
	const alpha = await new Site('alpha').start('');

	await assert.rejects(alpha.hubctl('trust', 'nobody'));
	await assert.rejects(alpha.hubctl('trust', 'beta', 'abc'));
	await assert.rejects(alpha.hubctl('trust', 'not a name',
	    'ab'.repeat(32)));
	await assert.rejects(alpha.hubctl('trust'));
	await assert.rejects(alpha.hubctl('distrust'));
	assert.deepEqual((await keys(alpha)).filter(k => k.state !== 'own'),
	    []);
	await alpha.end();
};

// The relay says that a hub that is known by its key is a plain one.
cases['who has a key is not spoken to in the clear'] = async () => {
	const relay = await new FakeRelay({ kind: 'seal' }).start();
	const t = await stage('', relay);
	const peer = { name: 'bob@beta', cwd: '/', git_branch: '',
		last_seen: 1 };
	const lie = () => {
		relay.say('alpha', { type: 'bridge_peer_update',
		    action: 'join', peer });
		relay.say('alpha', { type: 'bridge_forward', target_peer:
		    'ann@alpha', origin_hub: 'beta', wrapped: {
			type: 'incoming_message', msg_id: 'm-evil',
			from: 'bob', text: 'evil', reply_to: null,
			ts: '2026-01-01T00:00:00Z' } });
	};

	await t.alpha.sees(t.ann, 'bob@beta');
	// from now on it might
	await t.alpha.endSessions();
	await t.alpha.stop();
	await t.alpha.start(t.alpha.relay(relay.url, 'allow unsealed'));
	t.ann = await t.alpha.session('ann');
	await t.alpha.sees(t.ann, 'bob@beta');
	lie();
	relay.say('alpha', { type: 'relay_hub', action: 'leave',
	    hub_id: 'beta' });
	await t.alpha.noLink('beta');
	relay.said = [];
	lie();
	const message = await say(t, 'a secret');

	assert.equal(message.status, 'queued');
	await until('the log says it', () => /has a key, but does not seal/
	    .test(t.alpha.said()));
	await says(t, /has a key, but does not seal/);
	lie();
	await t.alpha.sees(t.ann);
	relay.say('alpha', { type: 'relay_hub', action: 'join',
	    hub_id: 'beta' });
	await message.comes();
	assert.deepEqual(t.ann.pushes, []);
	assert.deepEqual((await t.ann.call('relay_inbox')).messages, []);
	for (const [id, text] of relay.said) {
		const m = JSON.parse(text);

		assert.equal(m.type, 'bridge_forward', text);
		assert.equal(m.wrapped.type, 'seal', `${id}: ${text}`);
	}
	await t.end();
};

// A TLS server of the relay itself, in place of beta's.
class Impostor {
	constructor(relay, { cert, key })
	{
		const stream = new Duplex({ read() {},
		    write: (data, encoding, done) => {
			relay.say('alpha', { type: 'bridge_forward',
			    target_peer: '@alpha', origin_hub: 'beta',
			    wrapped: { type: 'seal', sid: this.sid,
				seq: ++this.sent,
				data: data.toString('base64') } });
			done();
		    } });

		this.stream = stream;
		this.sent = 0;
		this.heard = '';
		this.tls = new tls.TLSSocket(stream, { isServer: true, cert,
		    key, minVersion: 'TLSv1.3', requestCert: true,
		    rejectUnauthorized: false });
		this.tls.on('data', data => { this.heard += data; });
		this.tls.on('error', error => { this.error = error; });
	}

	record({ sid, data })
	{
		this.sid = sid;
		this.stream.push(Buffer.from(data, 'base64'));
	}
}

cases['a relay that plays a hub itself'] = async () => {
	const relay = await new FakeRelay({ kind: 'seal' }).start();
	const certificate = new Authority('beta').ed25519();
	const t = await stage('', relay);
	const impostors = new Map();

	await t.alpha.sees(t.ann, 'bob@beta');
	relay.forward = (from, to, { wrapped }) => {
		if (from !== 'alpha' || wrapped.end)
			return;
		if (!impostors.has(wrapped.sid))
			impostors.set(wrapped.sid, new Impostor(relay,
			    certificate));
		impostors.get(wrapped.sid).record(wrapped);
	};
	relay.tellHub('beta', 'leave');
	await t.alpha.noLink('beta');
	relay.tellHub('beta', 'join');
	const message = await say(t, 'not for the relay');

	await says(t, CHANGED);
	assert.ok([...impostors.values()].some(i =>
	    i.tls.getPeerCertificate().subject?.CN === 'alpha'),
	    'there was no handshake');
	relay.forward = FakeRelay.prototype.forward;
	relay.tellHub('beta', 'leave');
	relay.tellHub('beta', 'join');
	await message.comes();
	for (const i of impostors.values())
		assert.equal(i.heard, '');
	// but it is shown what was tried
	assert.equal((await of(t.alpha, 'beta')).length, 2);
	await t.end();
};

await run('uplinkkeys.mjs', cases);
