// SPDX-License-Identifier: ISC
// Hubs behind relays as users have them: with what speaks protocol.md section
// 3 and no more at the other end, and with relays that refuse them.

import assert from 'node:assert/strict';
import fs from 'node:fs';

import { run, until } from './relay.mjs';
import { FakeRelay, freePort, PlainHub, RealRelay, Site, TOKEN }
    from './uplinknode.mjs';

const BIG = 500000;
const cases = {};

// A message each way between a session of ours and one of a plain hub.
async function bothWays(ann, plain, { big = false } = {})
{
	const text = `h\u00e9llo \u{1f600} "\\` + (big ? 'x'.repeat(BIG) : '');
	const to = `bob@${plain.id}`;
	const sent = await ann.call('relay_send', { to, text });
	const m = await plain.find('the message', x =>
	    x.wrapped?.msg_id === sent.msg_id);

	assert.equal(m.type, 'bridge_forward');
	assert.equal(m.target_peer, to);
	assert.equal(m.wrapped.type, 'incoming_message');
	assert.equal(m.wrapped.text, text);
	assert.equal(m.wrapped.from.split('@')[0], ann.name);
	const id = `m-${Math.random()}`;

	plain.message('bob', `${ann.name}@alpha`, text, id);
	const push = await ann.push({ msg_id: id });

	assert.equal(push.meta.from, to);
	assert.ok(push.content.includes(text.slice(0, 10)));
}

// That alpha has said nothing there but its hello.
function silent(relay)
{
	assert.deepEqual(relay.said.filter(([id]) => id === 'alpha'), []);
	assert.deepEqual(relay.hellos.get('alpha').peers, []);
}

cases['a relay of section 3, and a plain hub there'] = async () => {
	const relay = await new FakeRelay().start();
	const alpha = new Site('alpha');

	await alpha.start(alpha.relay(relay.url, 'allow unsealed'));
	const ann = await alpha.session('ann');
	const uplink = await alpha.uplink('up');

	assert.equal(uplink.where, relay.url);
	const beta = await new PlainHub('beta', relay.url).join('bob');

	await beta.knows('ann@alpha');
	await alpha.sees(ann, 'bob@beta');
	const link = await alpha.link('beta');

	assert.equal(link.plaintext, true);
	await bothWays(ann, beta);
	await bothWays(ann, beta, { big: true });
	// sessions come and go, at either end
	beta.say({ type: 'bridge_peer_update', action: 'join',
	    peer: { name: 'cid', cwd: '/', git_branch: '', last_seen: 1 } });
	await alpha.sees(ann, 'bob@beta', 'cid@beta');
	const amy = await alpha.session('amy');

	await beta.update('join', 'amy@alpha');
	await amy.end();
	alpha.sessions.pop();
	await beta.update('leave', 'amy@alpha');
	beta.say({ type: 'bridge_peer_update', action: 'leave', name: 'cid' });
	await alpha.sees(ann, 'bob@beta');
	// an ask, either way
	const { ask_id } = await ann.call('relay_ask', { to: 'bob@beta',
	    question: 'why?' });
	const ask = await beta.find('the ask', m =>
	    m.wrapped?.ask_id === ask_id);

	assert.equal(ask.wrapped.type, 'incoming_ask');
	beta.say({ type: 'bridge_forward', target_peer: 'ann@alpha',
	    origin_hub: 'beta', wrapped: { type: 'incoming_reply',
		from: 'bob', text: 'because', ask_id } });
	assert.match((await ann.push({ ask_id })).content, /because/);
	await beta.end();
	await alpha.sees(ann);
	await alpha.end();
	relay.stop();
};

cases['two of ours at a relay of section 3'] = async () => {
	const relay = await new FakeRelay().start();
	const alpha = new Site('alpha'), beta = new Site('beta');
	const conf = s => s.relay(relay.url, 'allow unsealed');

	await alpha.start(conf(alpha));
	const ann = await alpha.session('ann');

	await alpha.uplink('up');
	await beta.start(conf(beta));
	const bob = await beta.session('bob');

	await alpha.sees(ann, 'bob@beta');
	await beta.sees(bob, 'ann@alpha');
	assert.equal((await alpha.link('beta')).plaintext, true);
	const there = await ann.call('relay_send', { to: 'bob@beta',
	    text: 'there' });

	await bob.push({ msg_id: there.msg_id });
	const back = await bob.call('relay_send', { to: 'ann@alpha',
	    text: 'back' });

	await ann.push({ msg_id: back.msg_id });
	// no session is left, and one comes: nobody else could tell of it
	await bob.end();
	beta.sessions.pop();
	await alpha.sees(ann);
	await beta.session('ben');
	await alpha.sees(ann, 'ben@beta');
	// and when the relay comes back
	for (const h of relay.hubs.values())
		h.ws.close(1012, 'come back');
	await alpha.sees(ann);
	await alpha.sees(ann, 'ben@beta');
	await beta.end();
	await alpha.sees(ann);
	await alpha.end();
	relay.stop();
};

cases['a plain hub says too much of its sessions'] = async () => {
	const relay = await new FakeRelay().start();
	const alpha = new Site('alpha');

	await alpha.start(alpha.relay(relay.url, 'allow unsealed') +
	    'limit peers 3 per hub\n');
	const ann = await alpha.session('ann');
	const beta = await new PlainHub('beta', relay.url).join('bob');
	const joins = more => beta.say({ type: 'bridge_peer_update',
	    action: 'join', peer: { name: 'cid', cwd: '/w',
		git_branch: 'main', last_seen: 1, ...more } });
	const cid = async () => (await ann.call('relay_peers')).peers
	    .find(p => p.name === 'cid@beta');

	await alpha.sees(ann, 'bob@beta');
	joins({ cwd: '/'.repeat(1025), git_branch: '\u0001'.repeat(256) });
	await until('it is there without its directory', async () =>
	    (await cid())?.git_branch === '\u0001'.repeat(256) &&
	    (await cid()).cwd === '');
	joins({ cwd: '\u00e9'.repeat(512), git_branch: 'x'.repeat(300000),
	    last_seen: 1e300 });
	await until('it is there without its branch', async () =>
	    (await cid())?.cwd === '\u00e9'.repeat(512) &&
	    (await cid()).git_branch === '');
	for (const name of ['dan', 'eve', 'fay'])
		joins({ name });
	await alpha.sees(ann, 'bob@beta', 'cid@beta', 'dan@beta');
	await beta.end();
	await alpha.sees(ann);
	await alpha.end();
	relay.stop();
};

cases['what waits for a plain hub comes when it is back'] = async () => {
	const relay = await new FakeRelay().start();
	const alpha = new Site('alpha');

	await alpha.start(alpha.relay(relay.url, 'allow unsealed'));
	const ann = await alpha.session('ann');
	const first = await new PlainHub('beta', relay.url).join('bob');

	await alpha.sees(ann, 'bob@beta');
	await first.end();
	await alpha.sees(ann);
	const sent = await ann.call('relay_send', { to: 'bob@beta',
	    text: 'later' });

	assert.equal(sent.status, 'queued');
	const beta = await new PlainHub('beta', relay.url).join('bob');
	const m = await beta.find('what waited', x =>
	    x.wrapped?.msg_id === sent.msg_id);

	assert.equal(m.wrapped.text, 'later');
	await beta.end();
	await alpha.end();
	relay.stop();
};

cases['nothing goes to such a relay if that is not allowed'] = async () => {
	const relay = await new FakeRelay().start();
	const alpha = new Site('alpha');

	await alpha.start(alpha.relay(relay.url));
	const ann = await alpha.session('ann');

	await alpha.uplink('up', /nothing may go without/);
	const beta = await new PlainHub('beta', relay.url).join('bob');

	beta.message('bob', 'ann@alpha', 'are you there?', 'm-x');
	assert.equal(await ann.refused('relay_send', { to: 'bob@beta',
	    text: 'a secret' }), 'peer_not_found');
	// what would have come of it has come by the time this has
	relay.say('alpha', { type: 'bridge_forward', target_peer: '@alpha',
	    origin_hub: 'beta', wrapped: { type: 'seal',
		sid: '0'.repeat(32), seq: 1, data: 'AAAA' } });
	relay.say('alpha', { type: 'relay_stop', retry_ms: 1 });
	relay.hubs.get('alpha').ws.close(1012, 'come back');
	await until('it is there again', () => relay.requests.length >= 3);
	await alpha.uplink('up', /nothing may go without/);
	await alpha.sees(ann);
	assert.deepEqual((await ann.call('relay_inbox')).messages, []);
	silent(relay);
	assert.deepEqual(beta.got, []);
	await beta.end();
	await alpha.end();
	relay.stop();
};

cases['a plain hub at our relay'] = async () => {
	const relay = await new RealRelay().start();
	const beta = await new PlainHub('beta', relay.url).join('bob');
	const alpha = new Site('alpha'), gamma = new Site('gamma');

	await alpha.start(alpha.relay(relay.url, 'allow unsealed'));
	await gamma.start(gamma.relay(relay.url));
	const ann = await alpha.session('ann');
	const gil = await gamma.session('gil');

	await beta.update('join', 'ann@alpha');
	// ours see each other, whatever they think of plain ones
	await alpha.sees(ann, 'bob@beta', 'gil@gamma');
	await gamma.sees(gil, 'ann@alpha');
	assert.equal((await alpha.link('gamma')).plaintext, false);
	assert.equal((await alpha.link('beta')).plaintext, true);
	await bothWays(ann, beta);
	await bothWays(ann, beta, { big: true });
	const sent = await ann.call('relay_send', { to: 'gil@gamma',
	    text: 'sealed' });

	assert.equal((await gil.push({ msg_id: sent.msg_id })).content,
	    'sealed');
	beta.message('bob', 'gil@gamma', 'are you there?');
	assert.equal(await gil.refused('relay_send', { to: 'bob@beta',
	    text: 'no' }), 'peer_not_found');
	await gil.call('relay_send', { to: 'ann@alpha', text: 'fence' });
	await ann.push({ from: 'gil@gamma' });
	assert.ok(beta.all.every(text => !text.includes('gil') &&
	    !text.includes('gamma')), 'it has heard of gamma');
	assert.deepEqual((await gil.call('relay_inbox')).messages
	    .filter(m => m.from !== 'ann@alpha'), []);
	await beta.end();
	await alpha.sees(ann, 'gil@gamma');
	await Promise.all([alpha.end(), gamma.end()]);
	await relay.stop();
};

cases['bridge.json names a relay'] = async () => {
	const relay = await new RealRelay().start();
	const alpha = new Site('alpha'), beta = new Site('beta');
	const json = { relay: { url: relay.url, token: TOKEN } };

	for (const s of [alpha, beta]) {
		s.file('d/bridge.json', JSON.stringify({ hub_id: s.id,
		    ...json }));
		await s.start(null);
	}
	const ann = await alpha.session('ann');
	const bob = await beta.session('bob');

	await alpha.sees(ann, 'bob@beta');
	const sent = await ann.call('relay_send', { to: 'bob@beta',
	    text: 'by bridge.json' });

	await bob.push({ msg_id: sent.msg_id });
	assert.equal((await alpha.link('beta')).plaintext, false);
	await Promise.all([alpha.end(), beta.end()]);
	await relay.stop();
};

cases['bridge.json allows plain hubs'] = async () => {
	const relay = await new FakeRelay().start();
	const alpha = new Site('alpha');

	alpha.file('d/bridge.json', JSON.stringify({ hub_id: 'alpha',
	    relay: { url: relay.url, token: TOKEN, unsealed: true } }));
	await alpha.start(null);
	const ann = await alpha.session('ann');
	const beta = await new PlainHub('beta', relay.url).join('bob');

	await alpha.sees(ann, 'bob@beta');
	await bothWays(ann, beta);
	await beta.end();
	await alpha.end();
	relay.stop();
};

// channeld starts it, with nothing but two variables.
cases['the environment names a relay for an embedded hub'] = async () => {
	const relay = await new RealRelay().start();
	const both = ['alpha', 'beta'].map(id => {
		const s = new Site(id);

		Object.assign(s.env, { RELAY_REMOTE_URL:
		    relay.url.replace('ws:', 'http:'), RELAY_API_KEY: TOKEN,
		    RELAY_MACHINE_NAME: id });
		return s;
	});
	const [ann, bob] = await Promise.all([both[0].session('ann'),
	    both[1].session('bob')]);

	await both[0].sees(ann, 'bob@beta');
	const sent = await bob.call('relay_send', { to: 'ann@alpha',
	    text: 'by the environment' });

	await ann.push({ msg_id: sent.msg_id });
	await Promise.all(both.map(s => s.end()));
	await relay.stop();
};

cases['the uplink dies and is started again'] = async () => {
	const relay = await new RealRelay().start();
	const alpha = new Site('alpha'), beta = new Site('beta');

	for (const s of [alpha, beta])
		await s.start(s.relay(relay.url));
	const ann = await alpha.session('ann');
	const bob = await beta.session('bob');

	await alpha.sees(ann, 'bob@beta');
	const [pid] = alpha.processes().filter(p => fs.readFileSync(
	    `/proc/${p}/cmdline`, 'utf8').includes('relayd'));

	if (pid !== undefined) {
		process.kill(Number(pid), 'SIGKILL');
		await until('it is noticed', () => /it is started again/
		    .test(alpha.said()));
	}
	const sent = await ann.call('relay_send', { to: 'bob@beta',
	    text: 'all the same' });

	await bob.push({ msg_id: sent.msg_id });
	await alpha.sees(ann, 'bob@beta');
	await Promise.all([alpha.end(), beta.end()]);
	await relay.stop();
};

cases['why there is no connection to a relay'] = async () => {
	const relay = new FakeRelay();
	const alpha = new Site('alpha');
	const port = await freePort();
	const url = `ws://127.0.0.1:${port}/path`;

	// nobody is there
	await alpha.start(alpha.relay(url));
	await alpha.uplink('down', /refused/i);
	// it comes later; another has our id
	await relay.start(port);
	const other = await new PlainHub('alpha', relay.url).join();

	await alpha.uplink('down', /each must have its own \(hub id\)/);
	await other.end();
	await alpha.uplink('up', /allow unsealed/);
	assert.equal(relay.requests.at(-1), '/path');
	// its token is another one
	relay.token = 'a token of another relay';
	relay.hubs.get('alpha').ws.close(1012, 'come back');
	await alpha.uplink('down', /it must be the relay's secret/);
	const log = alpha.said();

	assert.ok(!log.includes(TOKEN), 'the token is in the log');
	await alpha.end();
	relay.stop();
};

cases['our relay refuses'] = async () => {
	const relay = await new RealRelay().start();
	const alpha = new Site('alpha'), other = new Site('alpha');

	await alpha.start(alpha.relay(relay.url, '', 'not its secret'));
	await alpha.uplink('down', /it must be the relay's secret/);
	await alpha.stop();
	await alpha.start(alpha.relay(relay.url));
	await alpha.uplink('up');
	await other.start(other.relay(relay.url));
	await other.uplink('down', /each must have its own \(hub id\)/);
	await alpha.uplink('up');
	// and takes it when the first one has gone
	await alpha.end();
	await other.uplink('up');
	await other.end();
	await relay.stop();
};

cases['our relay lets through no more than that'] = async () => {
	const relay = await new RealRelay().start(
	    'limit messages 10 per second\n');
	const alpha = new Site('alpha'), beta = new Site('beta');

	for (const s of [alpha, beta])
		await s.start(s.relay(relay.url));
	const ann = await alpha.session('ann');
	const bob = await beta.session('bob');

	await alpha.sees(ann, 'bob@beta');
	const ids = [];

	for (let i = 0; i < 40; i++)
		ids.push((await ann.call('relay_send', { to: 'bob@beta',
		    text: `${i}` })).msg_id);
	for (const msg_id of ids)
		await bob.push({ msg_id });
	await until('the log says it', () => /lets through 10 messages/
	    .test(alpha.said()));
	assert.deepEqual(bob.pushes, []);
	await Promise.all([alpha.end(), beta.end()]);
	await relay.stop();
};

cases['a relay that says nothing, or nonsense'] = async () => {
	const relay = await new FakeRelay().start();
	const alpha = new Site('alpha');
	const hello = relay.hello;

	relay.hello = () => {};
	await alpha.start(alpha.relay(relay.url));
	await alpha.uplink('down', /no welcome within 5 seconds/);
	relay.hello = ws => ws.send('nonsense');
	await alpha.uplink('down', /not JSON/);
	relay.hello = ws => ws.close(4006, 'max_hubs_reached');
	await alpha.uplink('down', /as many hubs as it takes/);
	relay.hello = hello;
	await alpha.uplink('up', /allow unsealed/);
	await alpha.end();
	relay.stop();
};

cases['our relay says when to come back'] = async () => {
	const relay = await new RealRelay().start();
	const alpha = new Site('alpha'), beta = new Site('beta');

	for (const s of [alpha, beta])
		await s.start(s.relay(relay.url));
	const ann = await alpha.session('ann');
	const bob = await beta.session('bob');

	await alpha.sees(ann, 'bob@beta');
	await relay.stop();
	await alpha.uplink('down', /come back in 5 s/);
	await alpha.sees(ann);
	const sent = await ann.call('relay_send', { to: 'bob@beta',
	    text: 'meanwhile' });

	assert.equal(sent.status, 'queued');
	await relay.start();
	await bob.push({ msg_id: sent.msg_id });
	await alpha.sees(ann, 'bob@beta');
	await Promise.all([alpha.end(), beta.end()]);
	await relay.stop();
};

cases['a relay that is waited for as it says'] = async () => {
	const relay = await new FakeRelay().start();
	const alpha = new Site('alpha');

	await alpha.start(alpha.relay(relay.url));
	await alpha.uplink('up', /allow unsealed/);
	const began = Date.now();

	relay.say('alpha', { type: 'relay_stop', retry_ms: 4000 });
	relay.hubs.get('alpha').ws.close(1012, 'come back in 4 s');
	await until('it is there again', () => relay.requests.length > 1);
	assert.ok(Date.now() - began >= 4000, 'it has not waited');
	await alpha.end();
	relay.stop();
};

await run('uplink.mjs', cases);
