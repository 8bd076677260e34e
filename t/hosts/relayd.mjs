// SPDX-License-Identifier: ISC
// The relay as protocol.md section 3 has it, for hubs that speak that and no
// more, played with an independent client, the package ws.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';

import { run, until } from './relay.mjs';
import { Hub, SECRET, certificate, etc, hello, hub, metrics, peer, relay,
    serve, start, stop } from './relaynode.mjs';

const BIG = 500000;
const FLOOD = 300;

async function refused(first, code, why)
{
	const h = new Hub();

	await h.opened;
	h.ws.send(typeof first === 'string' ? first : JSON.stringify(first));
	assert.deepEqual(await h.closed, [code, why]);
	assert.deepEqual(h.got, []);
}

const cases = {};

cases['the relay serves'] = start;

cases['hubs are seen, and leave'] = async () => {
	const a = await hub('alpha', { peers: [peer('ann')] });

	assert.deepEqual(a.welcome, { type: 'bridge_welcome',
	    hub_id: 'relay', peers: [] });
	const b = await hub('beta', { peers: [peer('bob')] });

	assert.deepEqual(b.welcome.peers, [peer('ann@alpha')]);
	assert.deepEqual((await a.next('bridge_peer_update')),
	    { type: 'bridge_peer_update', action: 'join',
	    peer: peer('bob@beta') });
	b.say({ type: 'bridge_peer_update', action: 'join',
	    peer: peer('carol') });
	assert.equal((await a.next('bridge_peer_update')).peer.name,
	    'carol@beta');
	b.say({ type: 'bridge_peer_update', action: 'leave', name: 'carol' });
	assert.deepEqual(await a.next('bridge_peer_update'),
	    { type: 'bridge_peer_update', action: 'leave',
	    name: 'carol@beta' });
	await b.end();
	assert.equal((await a.next('bridge_peer_update')).name, 'bob@beta');
	await a.end();
};

cases['messages are carried as they are'] = async () => {
	const a = await hub('alpha'), b = await hub('beta');
	const wrapped = { type: 'incoming_message', msg_id: 'm-1',
		from: 'ann', text: 'h\u00e9llo \u{1f600}', reply_to: null };

	a.say({ type: 'bridge_forward', target_peer: 'bob@beta',
	    origin_hub: 'liar', wrapped });
	assert.deepEqual(await b.next('bridge_forward'),
	    { type: 'bridge_forward', target_peer: 'bob@beta',
	    origin_hub: 'alpha', wrapped });
	a.say({ type: 'bridge_forward', target_peer: 'x@nowhere', wrapped });
	assert.equal((await a.next('err')).code, 'peer_not_found');
	a.say({ type: 'bridge_forward', target_peer: 'x', wrapped });
	assert.equal((await a.next('err')).code, 'bad_args');
	// of a wrong shape, or not known: nothing comes of it
	a.say({ type: 'bridge_forward', target_peer: 5, wrapped });
	a.say({ type: 'bridge_forward', target_peer: 'bob@beta' });
	a.say({ type: 'what is that' });
	const text = 'x'.repeat(BIG);

	for (let i = 0; i < 20; i++)
		a.say({ type: 'bridge_forward', target_peer: 'bob@beta',
		    wrapped: { i, text } });
	for (let i = 0; i < 20; i++) {
		const m = await b.next('bridge_forward');

		assert.equal(m.wrapped.i, i);
		assert.equal(m.wrapped.text.length, BIG);
	}
	assert.deepEqual(a.got, []);
	await Promise.all([a.end(), b.end()]);
};

cases['each wrong handshake has its code'] = async () => {
	await refused('nonsense', 4005, 'bad_json');
	await refused({ type: 'ping' }, 4001, 'expected_bridge_hello');
	await refused(hello('a', { peers: 5 }), 4001,
	    'expected_bridge_hello');
	await refused(hello('a', { protocol_version: '4', secret: 'x' }), 4002,
	    'protocol_mismatch');
	await refused(hello('a b', { secret: 'wrong' }), 4003, 'auth_failed');
	await refused(hello('a', { secret: `${SECRET}x` }), 4003,
	    'auth_failed');
	for (const id of ['a b', 'a.b', '', 'x'.repeat(65), 'relay'])
		await refused(hello(id), 4005, 'invalid_hub_id');
	const h = new Hub();

	assert.deepEqual(await h.closed, [4001, 'handshake_timeout']);
	const late = await hub('alpha');

	late.ws.send('{"type":');
	assert.deepEqual(await late.closed, [4005, 'bad_json']);
};

cases['an id belongs to one, unless that one is dead'] = async () => {
	const a = await hub('alpha', { peers: [peer('ann')] });

	await refused(hello('alpha'), 4004, 'hub_id_taken');
	// it does not read, and so does not answer the relay's ping
	a.ws.pause();
	const again = await hub('alpha', { peers: [peer('ann')] });

	a.ws.terminate();
	await again.end();
};

// Sends a hello and, at once, forwards and an update as that hub.
async function hasty(id)
{
	const h = new Hub();

	await h.opened;
	h.say(hello(id, { peers: [peer('eve')] }));
	for (let i = 0; i < 3; i++)
		h.say({ type: 'bridge_forward', target_peer: 'bob@beta',
		    wrapped: { type: 'incoming_message', text: `${i}` } });
	h.say({ type: 'bridge_peer_update', action: 'join',
	    peer: peer('mallory') });
	return h;
}

cases['nobody speaks for a hub before it is that hub'] = async () => {
	const b = await hub('beta', { peers: [peer('bob')] });
	const a = await hub('alpha', { peers: [peer('ann')] });
	const next = async (type, more) => {
		const msg = await b.next(type);

		for (const key in more)
			assert.deepEqual(msg[key], more[key]);
	};

	await next('bridge_peer_update', { action: 'join' });
	assert.deepEqual(await (await hasty('alpha')).closed,
	    [4004, 'hub_id_taken']);
	a.say({ type: 'bridge_forward', target_peer: 'bob@beta',
	    wrapped: { type: 'incoming_message', text: 'ann\'s' } });
	await next('bridge_forward', { origin_hub: 'alpha', wrapped: {
		type: 'incoming_message', text: 'ann\'s' } });
	// when alpha is dead, what it said comes after its coming
	a.ws.pause();
	const h = await hasty('alpha');

	await h.next('bridge_welcome');
	await next('bridge_peer_update', { action: 'leave',
	    name: 'ann@alpha' });
	await next('bridge_peer_update', { action: 'join',
	    peer: peer('eve@alpha') });
	for (let i = 0; i < 3; i++)
		await next('bridge_forward', { wrapped: {
			type: 'incoming_message', text: `${i}` } });
	await next('bridge_peer_update', { action: 'join',
	    peer: peer('mallory@alpha') });
	a.ws.terminate();
	await Promise.all([h.end(), b.end()]);
};

cases['over TLS, with a new certificate too'] = async () => {
	const url = `wss://127.0.0.1:${relay.ports[1]}/`;
	const old = await hub('old', {}, url);
	const serial = h => h.ws._socket.getPeerCertificate().serialNumber;
	const before = serial(old);

	certificate();
	relay.proc.kill('SIGHUP');
	await until('the certificate has been read', () =>
	    fs.readFileSync(relay.log, 'utf8').includes('has been read'));
	const young = await until('a new certificate', async () => {
		const h = await hub('young', {}, url);

		if (serial(h) !== before)
			return h;
		await h.end();
		return null;
	});

	// one that cannot be used changes nothing
	for (const [file, said] of [['key', 'cannot be used'],
	    ['cert', 'cannot be used']]) {
		const path = `${relay.dir}/${file}.pem`;
		const good = fs.readFileSync(path);

		fs.writeFileSync(path, 'garbage');
		fs.writeFileSync(relay.log, '');
		relay.proc.kill('SIGHUP');
		await until('it is refused', () =>
		    fs.readFileSync(relay.log, 'utf8').includes(said));
		const again = await hub('again', {}, url);

		assert.equal(serial(again), serial(young));
		await again.end();
		fs.writeFileSync(path, good);
	}
	young.say({ type: 'bridge_forward', target_peer: 'x@old',
	    wrapped: { text: 'x'.repeat(BIG) } });
	assert.equal((await old.next('bridge_forward')).wrapped.text.length,
	    BIG);
	await Promise.all([old.end(), young.end()]);
};

cases['hubs that seal are told of'] = async () => {
	const a = await hub('alpha', { features: ['hubs'] });
	const b = await hub('beta', { features: ['seal'],
		peers: [peer('bob')] });

	assert.deepEqual(a.welcome.hubs, []);
	assert.equal(b.welcome.hubs, undefined);
	assert.deepEqual(await a.next('relay_hub'), { type: 'relay_hub',
		action: 'join', hub_id: 'beta' });
	await a.next('bridge_peer_update');
	const c = await hub('gamma', { features: ['hubs', 'seal'] });

	assert.deepEqual(c.welcome.hubs, ['beta']);
	assert.equal((await a.next('relay_hub')).hub_id, 'gamma');
	const wrapped = { type: 'seal', sid: '0'.repeat(32), seq: 1,
		data: 'AAAA' };

	c.say({ type: 'bridge_forward', target_peer: '@beta', wrapped });
	assert.deepEqual(await b.next('bridge_forward'),
	    { type: 'bridge_forward', target_peer: '@beta',
	    origin_hub: 'gamma', wrapped });
	await b.end();
	await a.next('bridge_peer_update');
	assert.deepEqual(await a.next('relay_hub'), { type: 'relay_hub',
		action: 'leave', hub_id: 'beta' });
	await c.end();
	assert.equal((await a.next('relay_hub')).hub_id, 'gamma');
	await a.end();
	assert.deepEqual(a.got, []);
};

cases['a welcome that is too long goes on as joins'] = async () => {
	const many = id => Array.from({ length: 200 }, (_, i) =>
	    ({ ...peer(`${id}-${i}`), cwd: `/${'w'.repeat(4000)}` }));
	const hubs = [await hub('alpha', { peers: many('a') }),
		await hub('beta', { peers: many('b') })];
	const h = await hub('gamma');
	const names = new Set(h.welcome.peers.map(p => p.name));

	assert.ok(JSON.stringify(h.welcome).length < 1024 * 1024);
	assert.ok(names.size > 100);
	while (names.size < 400)
		names.add((await h.next('bridge_peer_update')).peer.name);
	assert.deepEqual(h.got, []);
	await h.end();
	await Promise.all(hubs.map(o => o.end()));
};

cases['health and metrics'] = async () => {
	const answer = await fetch(`http://127.0.0.1:${relay.ports[0]}/`);

	assert.equal(answer.status, 200);
	assert.equal(await answer.text(), 'OK\n');
	const page = await metrics();

	assert.match(page, /^ecorelay_hubs 0$/m);
	assert.match(page,
	    /^ecorelay_handshake_failures_total\{reason="secret"\} 2$/m);
	assert.match(page, /^ecorelay_drops_total\{reason="no_hub"\} 1$/m);
};

cases['it stops, and says when to come back'] = async () => {
	const a = await hub('alpha');
	const b = await hub('beta', { features: ['hubs'] });

	await stop();
	assert.deepEqual(await a.closed, [1012, 'come back in 5 s']);
	assert.deepEqual(await b.next('relay_stop'), { type: 'relay_stop',
	    retry_ms: 5000 });
};

cases['limits hold a hub back and lose nothing'] = async () => {
	await start(`limit hubs 2
limit messages 100 per second
limit peers 1 per hub
`);
	const a = await hub('alpha', { features: ['limits'] });
	const b = await hub('beta', { peers: [peer('one'), peer('two')] });

	assert.equal((await a.next('bridge_peer_update')).peer.name,
	    'one@beta');
	await refused(hello('gamma'), 4006, 'max_hubs_reached');
	const begin = Date.now();

	for (let i = 0; i < FLOOD; i++)
		a.say({ type: 'bridge_forward', target_peer: 'x@beta',
		    wrapped: { i } });
	for (let i = 0; i < FLOOD; i++)
		assert.equal((await b.next('bridge_forward')).wrapped.i, i);
	assert.ok(Date.now() - begin > 1000, 'it was not held back');
	const limit = await a.next('relay_limit');

	assert.equal(limit.messages_per_s, 100);
	assert.ok(limit.retry_ms > 0);
	await Promise.all([a.end(), b.end()]);
	await stop();
};

cases['as relay-setup makes it'] = async () => {
	const dir = `${relay.dir}/setup`, conf = `${dir}/relayd.conf`;
	const setup = () => execFileSync('sh', [`${etc}/relay-setup`, '-d', dir,
	    'localhost'], { encoding: 'utf8' });

	assert.match(setup(), /signed by nobody else.*\nrelay "wss:\/\/localhost"/s);
	const secret = fs.readFileSync(`${dir}/relay.secret`, 'utf8').trim();

	// the second time it changes nothing
	setup();
	assert.equal(fs.readFileSync(`${dir}/relay.secret`, 'utf8').trim(),
	    secret);
	fs.writeFileSync(conf, fs.readFileSync(conf, 'utf8')
	    .replace('port 443', `port ${relay.ports[1]}`));
	await serve(conf);
	const a = await hub('alpha', { secret },
	    `wss://127.0.0.1:${relay.ports[1]}/`);

	await a.end();
	await stop();
};

await run('relayd.mjs', cases);
