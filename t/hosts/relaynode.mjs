// SPDX-License-Identifier: ISC
// What the tests of the relay share: a relay of their own, and hubs that are
// an independent WebSocket client, the package ws.

import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import WebSocket from 'ws';

import { until } from './relay.mjs';

export const SECRET = 'the relay\'s secret';
const here = path.dirname(fileURLToPath(import.meta.url));
export const etc = path.resolve(`${here}/../../etc`);
export const build = path.resolve(process.env.ECORELAY_BUILD ?? `${here}/../..`);
export const relay = { ports: [] };

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
export class Hub {
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

export const peer = name => ({ name, cwd: '/w', git_branch: 'main', last_seen: 1 });

export const hello = (id, more = {}) => ({ type: 'bridge_hello', hub_id: id,
	secret: SECRET, protocol_version: '5', peers: [], ...more });

export async function hub(id, more = {}, url = undefined)
{
	const h = new Hub(url);

	await h.opened;
	h.say(hello(id, more));
	h.welcome = await h.next('bridge_welcome');
	return h;
}

// A relay with what is said of it besides; the first time it is made.
export async function start(more = '')
{
	if (relay.dir === undefined)
		await prepare();
	const file = `${relay.dir}/relayd.conf`;

	fs.writeFileSync(file, listeners() +
	    (typeof more === 'string' ? more : ''));
	await serve(file);
}

// A relay with that configuration.
export async function serve(file)
{
	relay.log = `${relay.dir}/log`;
	relay.proc = spawn(`${build}/relayd/relayd`, ['-d', '-f', file],
	    { stdio: ['ignore', 'ignore', fs.openSync(relay.log, 'w')] });
	await until('the relay serves', () => {
		assert.equal(relay.proc.exitCode, null,
		    fs.readFileSync(relay.log, 'utf8'));
		return fs.readFileSync(relay.log, 'utf8').includes('serves');
	});
}

export async function stop()
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

export function certificate()
{
	execFileSync('openssl', ['req', '-x509', '-newkey', 'ed25519',
	    '-nodes', '-keyout', `${relay.dir}/key.pem`, '-out',
	    `${relay.dir}/cert.pem`, '-days', '1', '-subj', '/CN=localhost'],
	    { stdio: 'ignore' });
	fs.chmodSync(`${relay.dir}/key.pem`, 0o600);
}

async function prepare()
{
	relay.dir = fs.mkdtempSync(path.join(os.tmpdir(), 'ecorelay-relay-'));
	for (let i = 0; i < 3; i++)
		relay.ports.push(await freePort());
	fs.writeFileSync(`${relay.dir}/secret`, `${SECRET}\n`,
	    { mode: 0o600 });
	certificate();
}

// The page for Prometheus.
export async function metrics()
{
	return await (await fetch(
	    `http://127.0.0.1:${relay.ports[2]}/metrics`)).text();
}

// Whatever comes of a test, it leaves nothing behind.
process.on('exit', () => {
	relay.proc?.kill('SIGKILL');
	if (relay.dir !== undefined)
		fs.rmSync(relay.dir, { recursive: true, force: true });
});
