// SPDX-License-Identifier: ISC
// What a relay on the open internet meets: connections that say nothing or
// too much, frames and JSON that are wrong, hubs that flood or do not read,
// and its own death.  Whatever they do, others are served and memory has its
// bounds.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';

import { run, until } from './relay.mjs';
import { Hub, build, hello, hub, metrics, peer, relay, start, stop }
    from './relaynode.mjs';

const MIB = 1024 * 1024;
const IDLE = 10000;
const SPARE = 500;		// open files besides those
const GROWTH = 64 * MIB;	// that is not held against it
const LINE_MAX = 4 * MIB + 4096;

const UPGRADE = 'GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\n' +
    'Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n' +
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n';

// A connection that sends what a client never would.
class Raw {
	constructor(port = relay.ports[0])
	{
		this.got = Buffer.alloc(0);
		this.socket = net.connect(port, '127.0.0.1');
		this.socket.on('data', data => {
			this.got = Buffer.concat([this.got, data]);
		});
		this.socket.on('error', () => {});
		this.opened = once(this.socket, 'connect');
		this.closed = once(this.socket, 'close');
	}

	// What the relay says before it closes.
	async answer(...bytes)
	{
		await this.opened;
		for (const b of bytes)
			this.socket.write(b);
		await this.closed;
		return this.got.toString('latin1');
	}

	async upgrade()
	{
		await this.opened;
		this.socket.write(UPGRADE);
		await until('a WebSocket', () => this.got.includes('\r\n\r\n'));
		assert.match(this.got.toString('latin1'), /^HTTP\/1.1 101 /);
		this.got = Buffer.alloc(0);
		return this;
	}

	// The code of the close frame in which it ends.
	async code(...bytes)
	{
		await this.answer(...bytes);
		assert.equal(this.got[0], 0x88);
		return this.got.readUInt16BE(2);
	}
}

// A frame as it should not always be; masked with zeroes.
function frame(b0, payload, { b1 = 0x80, announce = payload.length } = {})
{
	const p = Buffer.from(payload), head = Buffer.alloc(14);

	head[0] = b0;
	head[1] = b1 | 127;
	head.writeBigUInt64BE(BigInt(announce), 2);
	if (announce <= 125) {
		head[1] = b1 | announce;
		return Buffer.concat([head.subarray(0, 2),
		    Buffer.alloc(b1 ? 4 : 0), p]);
	}
	if (announce < 65536) {
		head[1] = b1 | 126;
		head.writeUInt16BE(announce, 2);
		return Buffer.concat([head.subarray(0, 4),
		    Buffer.alloc(b1 ? 4 : 0), p]);
	}
	return Buffer.concat([head.subarray(0, b1 ? 14 : 10), p]);
}

// The process that does the work; 0 where there is no /proc.
function router()
{
	const ppid = pid => /^PPid:\s+(\d+)$/m.exec(
	    fs.readFileSync(`/proc/${pid}/status`, 'utf8'))[1];
	const ours = pid => {
		try {
			return Number(ppid(pid)) === relay.proc.pid;
		} catch {
			return false;
		}
	};

	return !fs.existsSync('/proc/self/status') ? 0 : Number(
	    fs.readdirSync('/proc').find(n => /^\d+$/.test(n) && ours(n)));
}

// A sanitizer keeps what was freed: then nothing can be said.
const sanitized = fs.readFileSync(`${build}/relayd/relayd`)
    .includes('__asan_init');

function memory()
{
	const pid = sanitized ? 0 : router();

	return pid === 0 ? 0 : 1024 * Number(/^VmRSS:\s+(\d+) kB$/m.exec(
	    fs.readFileSync(`/proc/${pid}/status`, 'utf8'))[1]);
}

const metric = async name => Number(new RegExp(
    `^ecorelay_${name.replace(/[{}]/g, '\\$&')} (\\d+)$`, 'm')
    .exec(await metrics())[1]);

// Two hubs come, talk and go.
async function served()
{
	const a = await hub('served-a'), b = await hub('served-b');

	a.say({ type: 'bridge_forward', target_peer: 'x@served-b',
	    wrapped: { n: 1 } });
	assert.equal((await b.next('bridge_forward')).wrapped.n, 1);
	await Promise.all([a.end(), b.end()]);
}

const flood = (to, wrapped) => JSON.stringify({ type: 'bridge_forward',
	target_peer: `x@${to}`, wrapped });

const cases = {};

cases['the relay serves'] = start;

cases['requests that are none'] = async () => {
	const status = async (...bytes) =>
	    (await new Raw().answer(...bytes)).split(' ')[1];

	assert.equal(await status('nonsense\r\n\r\n'), '400');
	assert.equal(await status('GET / HTTP/1.1\r\nno colon\r\n\r\n'), '400');
	assert.equal(await status('\x16\x03\x01\x02\x00\x01\x00\r\n\r\n'),
	    '400');
	assert.equal(await status('POST / HTTP/1.1\r\n\r\n'), '405');
	assert.equal(await status('GET / HTTP/1.1\r\nUpgrade: websocket\r\n' +
	    'Connection: Upgrade\r\nSec-WebSocket-Version: 8\r\n\r\n'), '200');
	assert.equal(await status(`GET /${'x'.repeat(5000)}`), '400');
	// to the port with TLS: it only ends
	await new Raw(relay.ports[1]).answer(UPGRADE);
	await served();
};

cases['a request, byte by byte, ends in time'] = async () => {
	const slow = [relay.ports[0], relay.ports[1]].map(port => new Raw(port));
	let i = 0;
	const timer = setInterval(() => slow.forEach(s =>
	    s.socket.write(UPGRADE[i++ % 60])), 50);

	await Promise.all(slow.map(s => s.closed));
	clearInterval(timer);
	// so does one for metrics, and the oldest of many at once
	const idle = new Raw(relay.ports[2]);

	await idle.opened;
	const many = Array.from({ length: 150 }, () => new Raw(relay.ports[2]));

	await idle.closed;
	await Promise.all(many.map(raw => raw.closed));
	assert.ok(await metric('uptime_seconds') >= 0);
	// and so does a hello
	const h = new Hub();

	await h.opened;
	const more = setInterval(() => h.ws.send(' ', { fin: false }), 50);

	assert.deepEqual(await h.closed, [4001, 'handshake_timeout']);
	clearInterval(more);
	await served();
};

cases['frames that break the rules'] = async () => {
	const first = JSON.stringify(hello('broken'));

	for (const [code, bytes] of [
		[1002, frame(0x81, first, { b1: 0 })],
		[1002, frame(0xc1, first)],
		[1002, frame(0x83, first)],
		[1002, frame(0x80, first)],
		[1002, frame(0x09, '')],
		[1002, frame(0x89, 'x'.repeat(126))],
		[1002, frame(0x88, 'x')],
		[1002, frame(0x88, Buffer.from([0x03, 0xed]))],
		[1002, Buffer.concat([frame(0x01, '{'), frame(0x81, '}')])],
		[1002, Buffer.from([0x81, 0xfe, 0, 1, 0, 0, 0, 0, 0x7b])],
		[1002, Buffer.concat([Buffer.from([0x81, 0xff]),
		    Buffer.alloc(8, 0xff), Buffer.alloc(4)])],
		[1007, frame(0x81, Buffer.from('{"type":"\xff"}', 'latin1'))],
		[1009, frame(0x82, '', { announce: MIB + 1 })],
		[1009, frame(0x82, '', { announce: 2 ** 53 })],
	]) {
		const raw = await new Raw().upgrade();

		assert.equal(await raw.code(bytes), code, bytes.toString('hex')
		    .slice(0, 40));
	}
	await served();
};

cases['messages that are too long'] = async () => {
	const h = new Hub();

	await h.opened;
	h.ws.send('x'.repeat(MIB + 1));
	assert.equal((await h.closed)[0], 1009);
	const parts = new Hub();

	await parts.opened;
	for (let i = 0; i < 17; i++)
		parts.ws.send(' '.repeat(MIB / 16), { fin: false });
	assert.equal((await parts.closed)[0], 1009);
	const a = await hub('alpha'), b = await hub('beta');
	const envelope = flood('beta', { t: '' }).length;

	// as long as may be
	a.ws.send(flood('beta', { t: 'x'.repeat(LINE_MAX - envelope) }));
	assert.equal((await b.next('bridge_forward')).wrapped.t.length,
	    LINE_MAX - envelope);
	a.ws.send(flood('beta', { t: 'x'.repeat(LINE_MAX - envelope + 1) }));
	assert.equal((await a.closed)[0], 1009);
	await b.end();
};

cases['JSON that is none'] = async () => {
	const b = await hub('beta');
	const deep = n => `{"type":"x","a":${'['.repeat(n)}${']'.repeat(n)}}`;
	let i = 0;

	for (const text of ['', '[]', '5', 'null', '{', '{"type":}',
	    '{"type":"x",}', '{"type":"x"} {}', '{"a":"\\u0000"}',
	    '{"a":"\\ud800"}', '{"a":1e999}', '{"a":01}', '{"a":"\n"}',
	    '{"type":"bridge_forward","target_peer":"x@beta","wrapped":{',
	    '{"type":"bridge_forward","target_peer":"x@beta","wrapped":{]}',
	    deep(3000), '['.repeat(MIB)]) {
		const h = await hub(`bad-${++i}`);

		h.ws.send(text);
		assert.deepEqual(await h.closed, [4005, 'bad_json'],
		    text.slice(0, 40));
	}
	const wrong = await hub('wrong');

	wrong.ws.send(Buffer.from('{"type":"\xc3("}', 'latin1'),
	    { binary: false });
	assert.equal((await wrong.closed)[0], 1007);
	const deeper = await hub('deeper');

	deeper.ws.send(deep(2000));
	deeper.ws.send(flood('beta', { fine: true }));
	assert.equal((await b.next('bridge_forward')).wrapped.fine, true);
	assert.deepEqual(b.got, []);
	await Promise.all([deeper.end(), b.end()]);
};

cases['members of all wrong kinds'] = async () => {
	const a = await hub('alpha'), b = await hub('beta');
	const values = [null, true, 5, '', 'x'.repeat(70000), [], {}, 'a@b@beta',
		'\u0001@beta', '@', '@@'];

	for (const v of values) {
		for (const w of values)
			a.say({ type: 'bridge_peer_update', action: v, name: w,
			    new_name: v, peer: w });
		for (const key of ['name', 'cwd', 'git_branch', 'last_seen'])
			a.say({ type: 'bridge_peer_update', action: 'join',
			    peer: { ...peer('p'), [key]: v } });
		a.say({ type: v, target_peer: v, wrapped: v, seq: v });
	}
	a.say({ type: 'bridge_peer_update', action: 'leave', name: 'p' });
	a.say({ type: 'bridge_forward', target_peer: 'x@beta', wrapped: {},
	    seq: 'x' });
	const kinds = new Set();

	for (;;) {
		const m = await until('more', () => b.got.shift());

		kinds.add(m.type);
		if (m.type === 'bridge_forward') {
			assert.deepEqual(m, { type: 'bridge_forward',
			    target_peer: 'x@beta', origin_hub: 'alpha',
			    wrapped: {} });
			break;
		}
		assert.ok(['x@beta', 'p@alpha'].includes(m.name ??
		    m.peer.name), JSON.stringify(m).slice(0, 100));
	}
	assert.deepEqual([...kinds].sort(), ['bridge_forward',
	    'bridge_peer_update']);
	await Promise.all([a.end(), b.end()]);
	// in a hello, too
	for (const v of values) {
		for (const more of [{ hub_id: v }, { secret: v },
		    { protocol_version: v }, { type: v }]) {
			const h = new Hub();

			await h.opened;
			h.say(hello('gamma', more));
			assert.ok([4001, 4002, 4003, 4005]
			    .includes((await h.closed)[0]));
		}
		const h = await hub('gamma', { features: v, peers: [v] });

		await h.end();
	}
};

cases['ten thousand connections that say nothing'] = async () => {
	const most = Number(execFileSync('sh', ['-c', 'ulimit -Hn'],
	    { encoding: 'utf8' }).replace('unlimited', '1000000'));
	const n = Math.min(IDLE, most - SPARE), before = memory();
	const failed = 'handshake_failures_total{reason="timeout"}';
	const timeouts = await metric(failed);

	await stop();
	// long enough for all of them to be there at once
	await start('handshake timeout 20 seconds\n');
	const all = [];

	while (all.length < n) {
		const some = Array.from({ length: Math.min(250,
		    n - all.length) }, (_, i) => new Raw(relay.ports[i % 2]));

		await Promise.all(some.map(raw => raw.opened));
		all.push(...some);
	}
	assert.equal(await until('all are there', async () =>
	    await metric('connections_early') >= n && n), n);
	assert.ok(timeouts > 0);
	assert.ok(memory() - before < GROWTH * 2, `${memory() - before} bytes`);
	await served();
	await Promise.all(all.map(raw => raw.closed));
	assert.equal(await metric('connections_early'), 0);
	assert.equal(await metric(failed), n);
	await served();
	await stop();
	await start();
};

cases['hellos that never end share what there is'] = async () => {
	const before = memory();
	const bytes = Buffer.alloc(MIB - 1024, ' ');

	await stop();
	await start('handshake timeout 20 seconds\n');
	const all = await Promise.all(Array.from({ length: 200 },
	    async () => new Raw().upgrade()));

	for (const raw of all)
		raw.socket.write(frame(0x81, bytes, { announce: MIB }));
	await until('some are closed', async () => await metric(
	    'handshake_failures_total{reason="busy"}') > 0);
	await served();
	assert.ok(memory() - before < GROWTH * 4, `${memory() - before} bytes`);
	all.forEach(raw => raw.socket.destroy());
	await stop();
	await start();
};

// It never reads, and the kernel's buffers are full after a while.
async function deaf(id)
{
	const h = await hub(id);

	h.ws._socket.pause();
	return h;
}

cases['pings of one that does not read'] = async () => {
	const raw = await new Raw().upgrade(), before = memory();
	const pings = Buffer.concat(Array.from({ length: 10000 },
	    () => frame(0x89, 'x'.repeat(125))));

	raw.socket.pause();
	for (let i = 0; i < 50; i++)
		raw.socket.write(pings);
	await until('it is dropped', async () =>
	    await metric('connections_early') === 0);
	assert.ok(memory() - before < GROWTH, `${memory() - before} bytes`);
	raw.socket.destroy();
	await served();
};

cases['errors for one that does not read'] = async () => {
	// node is so busy with what it sends that its hellos may be late
	await stop();
	await start('handshake timeout 60 seconds\n');
	const a = await deaf('alpha'), before = memory();

	for (let i = 0; i < 250000; i++)
		a.ws.send(flood('nowhere', {}));
	await until('it is not read any more', async () =>
	    await metric('queued_bytes') > 8 * MIB);
	assert.ok(memory() - before < GROWTH, `${memory() - before} bytes`);
	await served();
	a.ws.terminate();
	await a.closed;
};

cases['a hub that does not read, and those that write to it'] = async () => {
	const before = memory();
	const b = await deaf('beta'), c = await hub('gamma');
	const writers = await Promise.all(['w-1', 'w-2', 'w-3'].map(id =>
	    hub(id)));
	const text = 'x'.repeat(MIB);

	for (const w of writers) {
		for (let i = 0; i < 20; i++)
			w.ws.send(flood('beta', { i, text }));
		w.ws.send(flood('gamma', { from: 'w' }));
	}
	// what comes and goes is told to it, too
	const busy = await hub('busy', { peers: [peer('p')] });

	for (let i = 0; i < 1000; i++)
		busy.say({ type: 'bridge_peer_update', action: 'join',
		    peer: { ...peer('p'), cwd: 'y'.repeat(4000) } });
	await until('it is waited for', async () =>
	    await metric('queued_bytes') > 8 * MIB);
	await served();
	assert.ok(memory() - before < GROWTH * 2, `${memory() - before} bytes`);
	// in the end it is cut off, and the others go on
	await until('it is cut off', async () =>
	    await metric('drops_total{reason="slow_hub"}') === 1);
	await until('the others go on', () => c.got.filter(m =>
	    m.type === 'bridge_forward').length === writers.length);
	b.ws.terminate();
	await Promise.all([...writers, busy, c].map(h => h.end()));
};

cases['a hub that floods, and others are served'] = async () => {
	const a = await hub('alpha'), b = await hub('beta');
	const before = memory(), n = 200000;

	for (let i = 0; i < n; i++)
		a.ws.send(flood('beta', { i }));
	await served();
	let next = 0;

	await until('all of it is carried', () => {
		for (const m of b.got.splice(0)) {
			if (m.type !== 'bridge_forward')
				continue;
			assert.equal(m.wrapped.i, next++);
		}
		return next === n;
	});
	assert.ok(memory() - before < GROWTH, `${memory() - before} bytes`);
	await Promise.all([a.end(), b.end()]);
};

cases['killed, it comes back as if nothing had been'] = async () => {
	for (let i = 0; i < 3; i++) {
		const a = await hub('alpha'), b = await hub('beta');
		const gone = once(relay.proc, 'exit'), pid = router();

		for (let k = 0; k < 1000; k++)
			a.ws.send(flood('beta', { k }));
		await b.next('bridge_forward');
		// the router, the parent, or both
		if (i !== 0 || pid === 0)
			relay.proc.kill('SIGKILL');
		if (i !== 1 && pid !== 0)
			process.kill(pid, 'SIGKILL');
		const [code] = await gone;

		assert.equal(code, i === 0 && pid !== 0 ? 1 : null);
		for (const h of [a, b])
			assert.ok([1006, 1012].includes((await h.closed)[0]));
		await start();
		await served();
	}
	await stop();
};

await run('relaybad.mjs', cases);
