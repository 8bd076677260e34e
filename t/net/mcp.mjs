// SPDX-License-Identifier: ISC
// A session as an assistant has it: a channeld on a host, spoken to in MCP.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import readline from 'node:readline';

import { build, until } from './lab.mjs';

export class Assistant {
	constructor(host, name)
	{
		Object.assign(this, { host, name });
		this.pushes = [];
		this.waiting = new Map();
		this.seq = 0;
	}

	async start()
	{
		this.child = this.host.spawn(['env',
		    `RELAY_PEER_ID=${this.name}`,
		    `${build}/channeld/channeld`], { env: this.host.env(),
		    cwd: this.host.dir, stdio: ['pipe', 'pipe', 'inherit'] });
		this.ended = once(this.child, 'exit');
		this.child.stdin.on('error', () => {});	// it has ended
		readline.createInterface({ input: this.child.stdout })
		    .on('line', line => this.take(JSON.parse(line)));
		await this.request('initialize', {
		    protocolVersion: '2025-11-25', capabilities: {},
		    clientInfo: { name: 'test', version: '1' } });
		this.say({ method: 'notifications/initialized' });
		return this;
	}

	say(msg)
	{
		this.child.stdin.write(JSON.stringify({ jsonrpc: '2.0',
		    ...msg }) + '\n');
	}

	take(msg)
	{
		if (msg.id !== undefined) {
			this.waiting.get(msg.id)(msg);
			this.waiting.delete(msg.id);
		} else if (msg.method === 'notifications/claude/channel')
			this.pushes.push(msg.params);
	}

	async request(method, params)
	{
		const id = ++this.seq;
		const answer = new Promise(resolve =>
		    this.waiting.set(id, resolve));

		this.say({ id, method, params });
		const { result, error } = await Promise.race([answer,
		    this.ended.then(([code]) => assert.fail(
			`channeld of ${this.name} ended: ${code}`))]);

		assert.equal(error, undefined, JSON.stringify(error));
		return result;
	}

	// What a tool returned.
	async call(name, args = {})
	{
		const { structuredContent, isError } = await this.request(
		    'tools/call', { name, arguments: args });

		assert.ok(!isError, JSON.stringify(structuredContent));
		return structuredContent;
	}

	// The first notification with these in its meta.
	pushed(meta)
	{
		const keys = Object.keys(meta);

		return until(`${this.name} is notified of ` +
		    JSON.stringify(meta), () => this.pushes.find(p =>
		    keys.every(key => p.meta[key] === meta[key])));
	}

	async end()
	{
		this.child.stdin.end();
		const [code] = await this.ended;

		assert.equal(code, 0, `how channeld of ${this.name} ended`);
	}
}
