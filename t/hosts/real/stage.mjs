// SPDX-License-Identifier: ISC
// What the tests with real hosts share: a hub, the scripted model, a session
// of ours that talks to those of the hosts, and terminals to run them in.

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const WAIT_MS = 60000, LOOK_MS = 100;
const here = path.dirname(fileURLToPath(import.meta.url));
const script = path.resolve(here, process.env.HOSTS_SH);
const children = [];

export const top = path.resolve(process.env.ECORELAY_BUILD ??
    `${here}/../../..`);
export const dir = fs.mkdtempSync('/tmp/erh.');
const data = path.join(dir, 'd');
const terminals = path.join(dir, 'tmux');

export async function until(what, look)
{
	for (const end = Date.now() + WAIT_MS; Date.now() < end;) {
		const value = await look();

		if (value)
			return value;
		await sleep(LOOK_MS);
	}
	return assert.fail(`${what}: not within ${WAIT_MS} ms`);
}

export function freePort()
{
	return new Promise(resolve => {
		const server = net.createServer().listen(0, '127.0.0.1', () => {
			const { port } = server.address();

			server.close(() => resolve(port));
		});
	});
}

const [wsPort, stubPort] = [await freePort(), await freePort()];

// What a host's session must have to find our hub and none of the user's.
export const hubEnv = { ECORELAY_DATA: data, ECORELAY_WS_PORT: `${wsPort}`,
    ECORELAY_IDLE_MS: '1000' };
const clean = Object.fromEntries(Object.entries(process.env).filter(([key]) =>
    !/^(RELAY|ECORELAY|CLAUDE)_/.test(key)));

export function start(file, args, env = {}, stdio = 'ignore')
{
	const child = spawn(file, args, { env: { ...clean, ...env }, stdio,
	    detached: true });

	children.push(child);
	return child;
}

// A session that is no host's: lines on the hub's socket.
export class Peer {
	constructor(name)
	{
		let rest = '';

		this.lines = [];
		this.seq = 0;
		this.socket = net.connect(`${data}/hub.sock`);
		this.socket.setEncoding('utf8');
		this.socket.on('data', text => {
			const lines = (rest + text).split('\n');

			rest = lines.pop();
			for (const line of lines)
				this.take(JSON.parse(line));
		});
		this.up = this.request({ type: 'register', name, cwd: '/',
		    git_branch: '', protocol_version: '5',
		    features: ['receipts', 'ids', 'sessions'] });
	}

	take(msg)
	{
		if (msg.type === 'ping')
			this.say({ type: 'pong', req_id: msg.req_id });
		else
			this.lines.push(msg);
	}

	say(msg)
	{
		this.socket.write(JSON.stringify(msg) + '\n');
	}

	// The first message that has all of these members.
	hear(members)
	{
		const fits = msg => Object.entries(members).every(([key, v]) =>
		    v instanceof RegExp ? v.test(msg[key]) : msg[key] === v);

		return until(JSON.stringify(Object.entries(members).map(String)),
		    () => {
			const i = this.lines.findIndex(fits);

			return i === -1 ? null : this.lines.splice(i, 1)[0];
		});
	}

	request(msg)
	{
		const req_id = `r${++this.seq}`;

		this.say({ ...msg, req_id });
		return this.hear({ req_id });
	}

	async names()
	{
		const { peers } = await this.request({ type: 'list_peers' });

		return peers.map(p => p.name).sort();
	}

	// Waits for a session of that name; hubctl must show it, too.
	async sees(name)
	{
		await until(`${name} is a peer`, async () =>
		    (await this.names()).includes(name));
		const { stdout } = spawnSync(`${top}/hubctl/hubctl`,
		    ['show', 'peers'], { env: { ...clean, ...hubEnv } });

		assert.match(`${stdout}`, new RegExp(`^${name} `, 'm'));
	}

	send(to, text, options = {})
	{
		return this.request({ type: 'send', to, text, ...options });
	}
}

export function shareInto(files)
{
	for (const [from, to] of files) {
		fs.mkdirSync(path.dirname(to), { recursive: true });
		fs.copyFileSync(`${top}/share/${from}`, to);
	}
}

// A throwaway home; with mcp, in which the host starts channeld.
export function makeHome(host, mcp = [])
{
	const home = path.join(dir, host);
	const { status, stderr } = spawnSync(script, ['home', host, home,
	    `${stubPort}`, ...mcp.length > 0 ? mcp : ['-']], { env: clean });

	assert.equal(status, 0, `${stderr}`);
	return home;
}

const words = env => Object.entries({ ...hubEnv,
    ECORELAY_HUBD: `${top}/hubd/hubd`, ...env })
    .map(([key, value]) => `${key}=${value}`).join(' ');

// Runs a host to its end; what it has written.
export function runHost(host, args, { input = '', env = {} } = {})
{
	const child = start(script, ['run', host, path.join(dir, host),
	    ...args], { ENV: words(env) }, ['pipe', 'pipe', 'pipe']);
	let out = '';

	child.stdout.on('data', text => { out += text; });
	child.stderr.on('data', text => { out += text; });
	child.stdin.end(input);
	return new Promise(resolve => child.on('close', () => resolve(out)));
}

// Starts one that stays; see start().
export function startHost(host, args, env = {}, stdio = 'ignore')
{
	return start(script, ['run', host, path.join(dir, host), ...args],
	    { ENV: words(env) }, stdio);
}

function tmux(...args)
{
	const { status, stdout } = spawnSync('tmux', ['-S', terminals, ...args],
	    { env: clean });

	return status === 0 ? `${stdout}` : '';
}

// A host in a terminal of its own, as a person runs it.
export function openTerminal(host, args, env = {})
{
	const quote = word => `'${word.replaceAll("'", `'\\''`)}'`;
	const command = ['env', `HOSTS=${process.env.HOSTS}`,
	    `ENV=${words(env)}`, script, 'run', host, path.join(dir, host),
	    ...args].map(quote).join(' ');

	tmux('new-session', '-d', '-s', host, '-x', '120', '-y', '40', command);
	return {
		screen: () => tmux('capture-pane', '-p', '-t', host),
		press: key => tmux('send-keys', '-t', host, key),
	};
}

// What the model was asked, a request each.
export function modelSaw()
{
	// The last part is a line that is being written, or nothing.
	return fs.readFileSync(`${dir}/stub.log`, 'utf8').split('\n')
	    .slice(0, -1);
}

export const modelSees = text => until(`the model sees ${text}`, () =>
    modelSaw().some(line => line.includes(text)));

// Sends the mark while a turn runs, and looks whether the model had read it
// when that turn ended (joins), or got it in one that followed.
export async function midTurn(boss, name, mark, joins, options)
{
	const text = `${mark} over`, end = `end of ${mark}`;
	const last = turn => turn.reply?.text?.startsWith(end);

	await boss.send(name, '@@sleep 1\n@@sleep 4000\n' +
	    `@@call relay_peers {}\n@@call relay_send ${JSON.stringify({
		to: 'boss', text })}\n@@say ${end}`);
	await until('the turn runs', () => modelSaw().some(line =>
	    line.includes('"sleep":4000') && line.includes(end)));
	await boss.send(name, `MARK-${mark}`, options);
	await boss.hear({ type: 'incoming_message', text });
	const { body } = await until('the turn ends', () => modelSaw()
	    .map(line => JSON.parse(line)).find(last));

	assert.equal(JSON.stringify(body).includes(`MARK-${mark}`), joins);
	await modelSees(`MARK-${mark}`);
}

// What each host that can be woken must do.  name: the session's; joins:
// whether a message joins the turn that runs or waits for its end.
export const woken = (boss, name, { joins }) => ({
	'the session is a peer': () => boss.sees(name),
	'a message wakes it, and its model answers': async () => {
		await boss.send(name, '@@call relay_send ' +
		    '{"to":"boss","text":"awake"}');
		await boss.hear({ type: 'incoming_message', from: name,
		    text: 'awake' });
		await boss.hear({ type: 'receipt', state: /received|seen/ });
	},
	'an ask is answered': async () => {
		boss.say({ type: 'ask', to: name, ask_id: 'k-1', question:
		    '@@call relay_peers {}\n' +
		    '@@call relay_reply {"ask_id":"k-1","text":"of course"}' });
		const { text } = await boss.hear({ type: 'incoming_reply',
		    ask_id: 'k-1' });

		assert.equal(text, 'of course');
		await modelSees('last_seen');
	},
	[joins ? 'a message in mid-turn joins the turn' :
	    'a message in mid-turn waits for its end']: () =>
	    midTurn(boss, name, 'gap', joins),
});

// What has left its terminal has our directory in its environment; one of
// them may just be starting another.  Returns how many there were.
function killOurs()
{
	let n = 0;

	for (const pid of fs.readdirSync('/proc').filter(s => /^\d+$/.test(s))) {
		try {
			if (fs.readFileSync(`/proc/${pid}/environ`)
			    .includes(`ECORELAY_DATA=${data}\0`)) {
				process.kill(Number(pid), 'SIGKILL');
				n++;
			}
		} catch {
			// not ours, or gone
		}
	}
	return n;
}

function end()
{
	tmux('kill-server');
	for (const child of children) {
		try {
			process.kill(-child.pid, 'SIGKILL');
		} catch {
			// it has ended
		}
	}
	while (killOurs() > 0)
		continue;
	fs.rmSync(dir, { recursive: true, force: true, maxRetries: 10 });
}

export async function play(file, cases)
{
	const failures = [], names = Object.keys(cases);

	for (const name of names) {
		await cases[name]().catch(error =>
		    failures.push(`${file}: ${name}: ${error.stack}`));
	}
	if (failures.length > 0)
		console.log(tmux('list-sessions', '-F', '#S').split('\n')
		    .filter(s => s !== '').map(s => tmux('capture-pane', '-p',
		    '-t', s)).join('\n'));
	end();
	const n = names.length, bad = failures.length;
	console.log(`${Math.floor(100 * (n - bad) / n)}%: Checks: ${n}, ` +
	    `Failures: ${bad}, Errors: 0`);
	failures.forEach(text => console.log(text));
	process.exit(bad > 0 ? 1 : 0);
}

for (const signal of ['SIGTERM', 'SIGINT'])
	process.on(signal, () => {
		end();
		process.exit(1);
	});
process.on('uncaughtException', error => {
	console.log(error);
	end();
	process.exit(1);
});

start(script, ['stub', `${stubPort}`, `${dir}/stub.log`]);
start(`${top}/hubd/hubd`, ['-d'], { ...hubEnv, HOME: dir,
    ECORELAY_IDLE_MS: '0' });
await until('the hub serves', () => fs.existsSync(`${data}/hub.sock`));
await until('the model serves', () => fetch(
    `http://127.0.0.1:${stubPort}/v1/models`).then(() => true, () => false));
export const boss = new Peer('boss');
await boss.up;
