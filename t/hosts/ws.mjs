// SPDX-License-Identifier: ISC
// The hub's WebSocket as protocol.md section 1 has it, spoken by an
// independent client, the package ws; without features, as EcoRelay's own are.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import WebSocket from 'ws';

import { run, until } from './relay.mjs';

const CROWD = 1000;
const MIB = 1024 * 1024;
const here = path.dirname(fileURLToPath(import.meta.url));
const build = path.resolve(process.env.ECORELAY_BUILD ?? `${here}/../..`);
let port, token;

async function freePort()
{
	const server = net.createServer().listen(0, '127.0.0.1');

	await once(server, 'listening');
	const { port } = server.address();
	server.close();
	await once(server, 'close');
	return port;
}

// A connection whose lines are kept until they are asked for.
class Client {
	constructor(options = {})
	{
		this.lines = [];
		this.ws = new WebSocket(`ws://127.0.0.1:${port}/`, options);
		this.ws.on('message', (data, binary) => {
			assert.equal(binary, false);
			const text = data.toString();

			// one object, ended with a newline, is one message
			assert.equal(text.indexOf('\n'), text.length - 1);
			const msg = JSON.parse(text);

			msg.raw = text;
			if (msg.type === 'ping')
				this.say({ type: 'pong', req_id: msg.req_id });
			else
				this.lines.push(msg);
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

	hear(type)
	{
		return until(type, () => {
			const i = this.lines.findIndex(m => m.type === type);

			return i === -1 ? null : this.lines.splice(i, 1)[0];
		});
	}

	end()
	{
		this.ws.close();
		return this.closed;
	}
}

async function client(name)
{
	const c = new Client();

	await c.opened;
	c.say({ auth: token });
	c.say({ type: 'register', name, cwd: '/w', git_branch: 'main',
	    protocol_version: '5', req_id: 'r' });
	c.ack = await c.hear('ack');
	return c;
}

const cases = {};

cases['the hub listens and has made a token'] = async hub => {
	port = await freePort();
	hub.env.ECORELAY_WS_PORT = `${port}`;
	hub.env.ECORELAY_IDLE_MS = '0';
	hub.hubd = spawn(`${build}/hubd/hubd`, ['-d'],
	    { env: hub.env, stdio: 'ignore' });
	await until('the hub serves', () =>
	    fs.existsSync(`${hub.data}/hub.sock`));
	const file = `${hub.data}/hub-ws-token`;

	token = fs.readFileSync(file, 'latin1');
	assert.match(token, /^[0-9a-f]{64}$/);
	assert.equal(fs.statSync(file).mode & 0o777, 0o600);
};

cases['a client without features registers, pings and sends'] = async () => {
	const a = await client('ws-a'), b = await client('ws-b');

	assert.equal(a.ack.raw, '{"type":"ack","req_id":"r"}\n');
	a.say({ type: 'ping', req_id: 'p1' });
	assert.equal((await a.hear('pong')).raw,
	    '{"type":"pong","req_id":"p1"}\n');
	a.say({ type: 'send', to: 'ws-b', text: 'h\u00e9llo \u{1f600}',
	    req_id: 's' });
	assert.equal((await a.hear('send_ack')).status, 'delivered');
	const got = await b.hear('incoming_message');

	assert.equal(got.text, 'h\u00e9llo \u{1f600}');
	assert.equal(got.from, 'ws-a');
	await Promise.all([a.end(), b.end()]);
};

cases['ping before register, auth again with each name'] = async () => {
	const a = await client('taken'), b = new Client();

	await b.opened;
	b.say({ auth: token });
	b.say({ type: 'ping', req_id: 'early' });
	assert.equal((await b.hear('pong')).req_id, 'early');
	b.say({ type: 'register', name: 'taken', cwd: '', git_branch: '',
	    protocol_version: '5' });
	assert.equal((await b.hear('err')).code, 'name_taken');
	b.say({ auth: token });
	b.say({ type: 'register', name: 'taken-2', cwd: '', git_branch: '',
	    protocol_version: '5' });
	assert.equal((await b.hear('ack')).type, 'ack');
	assert.deepEqual(b.lines, []);
	await Promise.all([a.end(), b.end()]);
};

cases['several lines in one message, text or binary'] = async () => {
	const c = new Client();

	await c.opened;
	c.ws.send(`{"auth":"${token}"}\n{"type":"register","name":"many",` +
	    '"cwd":"","git_branch":"","protocol_version":"5"}\r\n\n' +
	    '{"type":"ping","req_id":"1"}\n{"type":"ping","req_id":"2"}');
	await c.hear('ack');
	assert.equal((await c.hear('pong')).req_id, '1');
	assert.equal((await c.hear('pong')).req_id, '2');
	c.ws.send(Buffer.from('{"type":"ping","req_id":"3"}\n'));
	assert.equal((await c.hear('pong')).req_id, '3');
	await c.end();
};

cases['a wrong token, something else and too much are 4003'] = async () => {
	for (const first of [`{"auth":"${'0'.repeat(64)}"}`, '{"auth":1}',
	    '{"type":"ping","req_id":"x"}', 'nonsense',
	    `{"auth":"${'0'.repeat(2000)}"}`]) {
		const c = new Client();

		await c.opened;
		c.ws.send(first);
		assert.deepEqual(await c.closed, [4003, 'auth_failed']);
		assert.deepEqual(c.lines, []);
	}
};

cases['who says nothing is 4003 after five seconds'] = async () => {
	const c = new Client();

	await c.opened;
	assert.deepEqual(await c.closed, [4003, 'auth_timeout']);
};

async function status(headers)
{
	const req = http.get({ port, host: '127.0.0.1', headers });
	const [res] = await once(req, 'response');

	res.resume();
	return res.statusCode;
}

cases['web pages are refused, and plain requests'] = async () => {
	const refused = async options => {
		const c = new Client(options);

		await c.closed;
		return c.error.message;
	};

	assert.match(await refused({ origin: 'https://evil.example' }), /403/);
	assert.match(await refused({ origin: `http://127.0.0.1:${port}` }),
	    /403/);
	assert.match(await refused({ headers: { Host: 'evil.example' } }),
	    /403/);
	assert.equal(await status({}), 426);
	assert.equal(await status({ Host: 'evil.example' }), 403);
};

cases['messages of 1 MiB, and none over the limit'] = async () => {
	const a = await client('big-a'), b = await client('big-b');
	const text = 'x'.repeat(500000);

	a.say({ type: 'send', to: 'big-b', text, req_id: '1' });
	await a.hear('send_ack');
	assert.equal((await b.hear('incoming_message')).text, text);
	// blanks are JSON, too
	a.ws.send('{"type":"ping","req_id":"2"}' + ' '.repeat(MIB - 28));
	assert.equal((await a.hear('pong')).req_id, '2');
	a.ws.send('x'.repeat(5 * MIB));
	assert.equal((await a.closed)[0], 1009);
	b.say({ type: 'ping', req_id: '3' });
	await b.hear('pong');
	await b.end();
};

cases['control frames'] = async () => {
	const c = await client('control');

	c.ws.ping('are you there');
	const [data] = await once(c.ws, 'pong');

	assert.equal(data.toString(), 'are you there');
	c.ws.close(3001, 'enough');
	assert.deepEqual(await c.closed, [3001, '']);
	const again = await client('control');

	await again.end();
};

cases[`${CROWD} connections`] = async () => {
	const all = [];

	for (let i = 0; i < CROWD; i += 100)
		all.push(...await Promise.all(Array.from({ length: 100 },
		    (_, j) => client(`crowd-${i + j}`))));
	for (const [i, c] of all.entries())
		c.say({ type: 'send', to: `crowd-${(i + 1) % CROWD}`,
		    text: `${i}`, req_id: 's' });
	for (const [i, c] of all.entries())
		assert.equal((await c.hear('incoming_message')).text,
		    `${(i + CROWD - 1) % CROWD}`);
	await Promise.all(all.map(c => c.end()));
};

cases['wsecho sends back what it gets, whole or in parts'] = async () => {
	const echo = spawn(`${build}/t/bin/wsecho`, ['0'],
	    { stdio: ['ignore', 'pipe', 'ignore'] });

	try {
		const [line] = await once(echo.stdout, 'data');
		const ws = new WebSocket('ws://127.0.0.1:' +
		    line.toString().split(' ')[1].trim());
		const big = Buffer.alloc(16 * MIB, 7);
		const back = async () => {
			const [data, binary] = await once(ws, 'message');

			return [data, binary];
		};

		await once(ws, 'open');
		ws.send(big);
		let [data, binary] = await back();
		assert.ok(binary && data.equals(big));
		ws.send('gr\u00fc', { fin: false });
		ws.send('\u00dfe', { fin: true });
		[data, binary] = await back();
		assert.equal(binary, false);
		assert.equal(data.toString(), 'gr\u00fc\u00dfe');
		ws.send(Buffer.alloc(16 * MIB + 1));
		const [code] = await once(ws, 'close');
		assert.equal(code, 1009);
	} finally {
		echo.kill();
	}
};

cases['the hub ends'] = async hub => {
	hub.hubd.kill('SIGTERM');
	const [code] = hub.hubd.exitCode !== null ? [hub.hubd.exitCode] :
	    await once(hub.hubd, 'exit');

	assert.equal(code, 0);
	await hub.hasLeft();
};

await run('ws.mjs', cases);
