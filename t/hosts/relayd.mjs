// SPDX-License-Identifier: ISC
// The relay as protocol.md section 3 has it, for hubs that speak that and no
// more, played with an independent client, the package ws.

import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import WebSocket from 'ws';

import { run, until } from './relay.mjs';

const SECRET = 'the relay\'s secret';
const BIG = 500000;
const FLOOD = 300;
const here = path.dirname(fileURLToPath(import.meta.url));
const build = path.resolve(process.env.ECORELAY_BUILD ?? `${here}/../..`);
const relay = { ports: [] };

async function freePort()
{
	const server = net.createServer().listen(0, '127.0.0.1');

	await once(server, 'listening');
	const { port } = server.address();
	server.close();
	await once(server, 'close');
	return port;
}

// A hub, or what wants to be one; what it gets is kept until asked for.
class Hub {
	constructor(url = `ws://127.0.0.1:${relay.ports[0]}/`)
	{
		this.got = [];
		this.ws = new WebSocket(url, { rejectUnauthorized: false });
		this.ws.on('message', data => {
			this.got.push(JSON.parse(data));
		});
		this.ws.on('error', error => { this.error = error; });
		this.closed = new Promise(resolve =>
		    this.ws.once('close', (code, why) =>
			resolve([code, why.toString()])));
		this.opened = once(this.ws, 'open');
		this.opened.catch(() => {});
	}

	say(msg)
	{
		this.ws.send(JSON.stringify(msg));
	}

	// The next message; all come in order.
	async next(type)
	{
		const msg = await until(type, () => this.got.shift());

		assert.equal(msg.type, type);
		return msg;
	}

	end()
	{
		this.ws.close();
		return this.closed;
	}
}

const peer = name => ({ name, cwd: '/w', git_branch: 'main', last_seen: 1 });

const hello = (id, more = {}) => ({ type: 'bridge_hello', hub_id: id,
	secret: SECRET, protocol_version: '5', peers: [], ...more });

async function hub(id, more = {}, url = undefined)
{
	const h = new Hub(url);

	await h.opened;
	h.say(hello(id, more));
	h.welcome = await h.next('bridge_welcome');
	return h;
}

async function refused(first, code, why)
{
	const h = new Hub();

	await h.opened;
	h.ws.send(typeof first === 'string' ? first : JSON.stringify(first));
	assert.deepEqual(await h.closed, [code, why]);
	assert.deepEqual(h.got, []);
}

async function start(conf)
{
	const file = `${relay.dir}/relayd.conf`;

	fs.writeFileSync(file, conf);
	relay.log = `${relay.dir}/log`;
	relay.proc = spawn(`${build}/relayd/relayd`, ['-d', '-f', file],
	    { stdio: ['ignore', 'ignore', fs.openSync(relay.log, 'w')] });
	await until('the relay serves', () => {
		assert.equal(relay.proc.exitCode, null,
		    fs.readFileSync(relay.log, 'utf8'));
		return fs.readFileSync(relay.log, 'utf8').includes('serves');
	});
}

async function stop()
{
	relay.proc.kill('SIGTERM');
	const [code] = await once(relay.proc, 'exit');

	assert.equal(code, 0, fs.readFileSync(relay.log, 'utf8'));
}

const listeners = () => `secret file "${relay.dir}/secret"
listen on 127.0.0.1 port ${relay.ports[0]}
listen on 127.0.0.1 port ${relay.ports[1]} tls \
certificate "${relay.dir}/cert.pem" key "${relay.dir}/key.pem"
metrics on 127.0.0.1 port ${relay.ports[2]}
handshake timeout 1 second
`;

function certificate()
{
	execFileSync('openssl', ['req', '-x509', '-newkey', 'ed25519',
	    '-nodes', '-keyout', `${relay.dir}/key.pem`, '-out',
	    `${relay.dir}/cert.pem`, '-days', '1', '-subj', '/CN=localhost'],
	    { stdio: 'ignore' });
	fs.chmodSync(`${relay.dir}/key.pem`, 0o600);
}

const cases = {};

cases['the relay serves'] = async t => {
	relay.dir = fs.mkdtempSync(`${t.data}-relay-`);
	for (let i = 0; i < 3; i++)
		relay.ports.push(await freePort());
	fs.writeFileSync(`${relay.dir}/secret`, `${SECRET}\n`,
	    { mode: 0o600 });
	certificate();
	await start(listeners());
};

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

	young.say({ type: 'bridge_forward', target_peer: 'x@old',
	    wrapped: { text: 'x'.repeat(BIG) } });
	assert.equal((await old.next('bridge_forward')).wrapped.text.length,
	    BIG);
	await Promise.all([old.end(), young.end()]);
};

cases['health and metrics'] = async () => {
	const answer = await fetch(`http://127.0.0.1:${relay.ports[0]}/`);

	assert.equal(answer.status, 200);
	assert.equal(await answer.text(), 'OK\n');
	const page = await (await fetch(
	    `http://127.0.0.1:${relay.ports[2]}/metrics`)).text();

	assert.match(page, /^ecorelay_hubs 0$/m);
	assert.match(page,
	    /^ecorelay_handshake_failures_total\{reason="secret"\} 2$/m);
	assert.match(page, /^ecorelay_drops_total\{reason="no_hub"\} 1$/m);
};

cases['it stops, and says when to come back'] = async () => {
	const a = await hub('alpha');
	const b = await hub('beta', { features: ['hubs'] });

	assert.deepEqual(b.welcome.hubs, ['alpha']);
	await stop();
	assert.deepEqual(await a.closed, [1012, 'come back in 5 s']);
	assert.deepEqual(await b.next('relay_stop'), { type: 'relay_stop',
	    retry_ms: 5000 });
};

cases['limits hold a hub back and lose nothing'] = async () => {
	await start(`${listeners()}limit hubs 2
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
	fs.rmSync(relay.dir, { recursive: true });
};

await run('relayd.mjs', cases);
