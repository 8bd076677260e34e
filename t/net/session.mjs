// SPDX-License-Identifier: ISC
// A session on a hub's Unix socket that comes back whenever it was cut off,
// and sends again, with the same ids, what was not acknowledged.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';

import { until } from './lab.mjs';

const AGAIN_MS = 100;
const DOUBT_MS = 1000;
const FEATURES = ['receipts', 'ids', 'kind', 'sessions', 'ask'];

// What a request gets when its connection ends.
export class Gone extends Error {}

// A message as JSON with nothing but ASCII, as many libraries write it.
function ascii(json)
{
	return json.replace(/[\u0080-\uffff]/g, c => '\\u' +
	    c.charCodeAt(0).toString(16).padStart(4, '0'));
}

// What a message of each type does with the session; all else is for those
// who wait for it.
const handlers = {
	ping(s, { req_id })
	{
		s.say({ type: 'pong', req_id });
	},

	incoming_message(s, msg)
	{
		s.pushes.push({ ...msg, at: Date.now(), drops: s.drops,
		    doubtful: false });
		s.say({ type: 'received', msg_id: [msg.msg_id] });
	},

	incoming_ask(s, msg)
	{
		s.asked.push(msg);
		if (s.answers)
			s.reply(msg);
	},

	incoming_reply(s, msg)
	{
		s.replies.push(msg);
		s.answer(`ask ${msg.ask_id}`, msg);
	},

	incoming_room_msg(s, msg)
	{
		s.inRooms.push(msg);
	},

	incoming_group_msg(s, msg)
	{
		s.inGroups.push(msg);
	},

	receipt(s, msg)
	{
		if (msg.state === 'expired')
			s.complain(`${msg.msg_id} is said to have expired`);
	},
};

export class Session {
	constructor(host, name, { cwd = `/home/${host.id}/${name}`,
	    git_branch = `branch-of-${name}` } = {})
	{
		Object.assign(this, { host, name, cwd, git_branch });
		this.sent = [];		// in this order
		this.pushes = [];	// incoming_message
		this.inbox = [];	// what was new in the inbox, each time
		this.asked = [];
		this.replies = [];
		this.inRooms = [];
		this.inGroups = [];
		this.waiting = new Map();
		this.seq = 0;
		this.drops = 0;		// how often it was cut off
		this.inboxLost = false;	// one that was asked for did not come
		this.wanted = this.registered = false;
		this.answers = true;	// what it is asked, at once
		this.socket = null;
	}

	// As a session on that host has to call it.
	nameFrom(host)
	{
		return host === this.host ? this.name :
		    `${this.name}@${this.host.id}`;
	}

	complain(text)
	{
		this.host.lab.complain(`${this.name}@${this.host.id}: ${text}`);
	}

	async join()
	{
		this.wanted = true;
		this.open();
		await until(`${this.name} is registered`,
		    () => this.registered);
		return this;
	}

	async leave()
	{
		const { socket } = this;

		this.wanted = false;
		if (socket !== null) {
			socket.end();
			await once(socket, 'close');
		}
	}

	open()
	{
		const socket = net.connect(this.host.socket);
		let rest = '';

		this.socket = socket;
		socket.setEncoding('utf8');
		socket.on('connect', () => this.register());
		socket.on('error', () => {});	// it is closed, too
		socket.on('close', () => this.lost());
		socket.on('data', text => {
			rest += text;
			if (!text.includes('\n'))
				return;
			const lines = rest.split('\n');

			rest = lines.pop();
			for (const line of lines)
				this.take(JSON.parse(line));
		});
	}

	register()
	{
		this.say({ type: 'register', req_id: 'register',
		    name: this.name, cwd: this.cwd,
		    git_branch: this.git_branch, protocol_version: '5',
		    features: FEATURES });
	}

	lost()
	{
		const waiting = [...this.waiting.values()];

		this.socket = null;
		this.drops += this.registered && this.wanted ? 1 : 0;
		this.registered = false;
		// A hub that dies may not know that it has pushed these.
		for (const msg of this.pushes.slice(-100))
			msg.doubtful ||= Date.now() - msg.at < DOUBT_MS;
		this.waiting.clear();
		for (const { reject } of waiting)
			reject(new Gone(`${this.name} was cut off`));
		if (this.wanted)
			setTimeout(() => this.wanted && this.socket === null &&
			    this.open(), AGAIN_MS);
	}

	say(msg)
	{
		this.socket?.write(JSON.stringify(msg) + '\n');
	}

	take(msg)
	{
		if (handlers[msg.type])
			handlers[msg.type](this, msg);
		else if (msg.req_id === 'register')
			this.welcome(msg);
		else if (msg.req_id?.startsWith('send '))
			this.acknowledged(msg);
		else if (!this.answer(msg.ask_id !== undefined ?
		    `ask ${msg.ask_id}` : msg.req_id, msg))
			this.complain('unexpected: ' +
			    JSON.stringify(msg).slice(0, 300));
	}

	// Our name may be held by the connection that we had.
	welcome(msg)
	{
		if (msg.type === 'ack') {
			this.registered = true;
			this.sent.filter(m => !m.acks).forEach(m =>
			    this.write(m));
			return;
		}
		if (msg.code !== 'name_taken')
			this.complain(`register: ${JSON.stringify(msg)}`);
		this.socket.destroy();
	}

	acknowledged(msg)
	{
		const m = this.sent[Number(msg.req_id.slice(5))];

		if (msg.type !== 'send_ack' || msg.msg_id !== m.msg_id)
			this.complain(`${m.msg_id} to ${m.to}: ` +
			    JSON.stringify(msg));
		else if (++m.acks > m.writes)
			this.complain(`${m.msg_id} was acknowledged ` +
			    `${m.acks} times, sent ${m.writes} times`);
	}

	// Sends, or does when it is there again; options are members of send.
	send(receiver, to, text, { escaped = false, ...options } = {})
	{
		const n = this.sent.length;
		const m = { n, msg_id: `${this.host.id}.${this.name}.${n}`,
		    receiver, to, text, escaped, options, writes: 0, acks: 0 };

		this.sent.push(m);
		if (this.registered)
			this.write(m);
		return m;
	}

	write(m)
	{
		const json = JSON.stringify({ type: 'send',
		    req_id: `send ${m.n}`, to: m.to, msg_id: m.msg_id,
		    text: m.text, ...m.options });

		m.writes++;
		this.socket.write((m.escaped ? ascii(json) : json) + '\n');
	}

	answer(key, msg)
	{
		const waiter = this.waiting.get(key);

		this.waiting.delete(key);
		waiter?.resolve(msg);
		return waiter !== undefined;
	}

	wait(key)
	{
		return new Promise((resolve, reject) => {
			if (!this.registered)
				reject(new Gone(`${this.name} is away`));
			else
				this.waiting.set(key, { resolve, reject });
		});
	}

	request(msg)
	{
		const req_id = `r${++this.seq}`, answer = this.wait(req_id);

		this.say({ ...msg, req_id });
		return answer;
	}

	// The answer, or the err.
	ask(to, question, options = {})
	{
		const ask_id = `${this.host.id}.${this.name}.a${++this.seq}`;
		const answer = this.wait(`ask ${ask_id}`);

		this.say({ type: 'ask', to, question, ask_id, ...options });
		return answer;
	}

	reply({ ask_id, question })
	{
		this.say({ type: 'reply', ask_id,
		    text: `answer to ${question}` });
	}

	// What list_peers has, or nothing while there is no hub.
	async peers()
	{
		const answer = await this.request({ type: 'list_peers' })
		    .catch(error => {
			if (!(error instanceof Gone))
				throw error;
			return { peers: [] };
		    });

		return answer.peers.sort((a, b) => a.name < b.name ? -1 : 1);
	}

	async names()
	{
		return (await this.peers()).map(p => p.name);
	}

	// What is new; false if the connection ended and it is not known.
	async readInbox()
	{
		for (let remaining = 1; remaining > 0;) {
			let got;

			try {
				got = await this.request({ type: 'inbox',
				    limit: 100 });
			} catch (error) {
				assert.ok(error instanceof Gone);
				this.inboxLost = true;
				return false;
			}
			assert.equal(got.type, 'inbox_result');
			assert.equal(got.dropped ?? 0, 0);
			this.inbox.push(...got.messages);
			remaining = got.remaining;
		}
		return true;
	}

	// All that is in the mailbox, seen or not.
	async mailbox()
	{
		const all = [];

		for (;;) {
			const { messages } = await this.request({
			    type: 'inbox', limit: 100,
			    since_id: all.at(-1)?.msg_id ?? 'none' });

			if (messages.length === 0)
				return all;
			all.push(...messages);
		}
	}
}
