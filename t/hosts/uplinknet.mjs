// SPDX-License-Identifier: ISC
// The way to a relay: certificates that are good and that are not, and HTTP
// proxies of all kinds.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';

import { run } from './relay.mjs';
import { Authority, FakeRelay, freePort, RealRelay, Site, TOKEN }
    from './uplinknode.mjs';

const UP = /allow unsealed/;		// connected; more is not wanted here
const HERE = 'IP:127.0.0.1';
const cases = {};
const ca = new Authority('a CA of the tests');

// A hub whose uplink to that relay gets so far.
async function get(url, state, error, { more = '', env = {} } = {})
{
	const alpha = new Site('alpha');

	Object.assign(alpha.env, env);
	await alpha.start(alpha.relay(url, more));
	await alpha.uplink(state, error);
	return alpha;
}

async function tls(certificate, error, options)
{
	const relay = await new FakeRelay({ tls: certificate }).start();
	const url = options.host === undefined ? relay.url :
	    relay.url.replace('127.0.0.1', options.host);
	const alpha = await get(url, error === UP ? 'up' : 'down', error,
	    options);

	assert.equal(relay.hellos.size, error === UP ? 1 : 0,
	    'it has told its token');
	await alpha.end();
	relay.stop();
}

const withCa = { more: `ca file "${ca.ca}"` };

cases['a certificate of the CA that is named'] = async () => {
	await tls(ca.sign(HERE), UP, withCa);
	await tls(ca.sign('DNS:localhost'), UP, { ...withCa,
	    host: 'localhost' });
};

cases['a CA that SSL_CERT_FILE names'] = async () => {
	await tls(ca.sign(HERE), UP, { env: { SSL_CERT_FILE: ca.ca } });
};

cases['a CA that nobody knows'] = async () => {
	const other = new Authority('another CA');

	await tls(ca.sign(HERE), /^TLS: unable to get local issuer cert/,
	    { more: `ca file "${other.ca}"` });
	await tls(ca.sign(HERE), /^TLS: .*(issuer|CA) cert/, {});
	// SSL_CERT_FILE says nothing of a relay with a file of its own
	await tls(ca.sign(HERE), /^TLS: unable to get local issuer cert/,
	    { more: `ca file "${other.ca}"`, env: { SSL_CERT_FILE: ca.ca } });
};

cases['a certificate of another host'] = async () => {
	await tls(ca.sign('DNS:relay.example.org'),
	    /^TLS: IP address mismatch/, withCa);
	await tls(ca.sign(HERE), /^TLS: hostname mismatch/i, { ...withCa,
	    host: 'localhost' });
};

cases['a certificate that has expired'] = async () => {
	await tls(ca.sign(HERE, { days: -1 }),
	    /^TLS: certificate has expired/, withCa);
};

cases['a certificate of nobody'] = async () => {
	const self = ca.sign(HERE, { by: null });

	await tls(self, /^TLS: self-signed certificate/, withCa);
	// but one may name it
	await tls(self, UP, { more: `ca file "${self.file}"` });
};

cases['no CA at all'] = async () => {
	const empty = new Site('x');

	await tls(ca.sign(HERE), /there are no CA certificates/,
	    { env: { SSL_CERT_FILE: empty.file('ca', 'nothing\n') } });
	await tls(ca.sign(HERE), /there are no CA certificates/,
	    { env: { SSL_CERT_FILE: `${empty.dir}/not there` } });
	await empty.end();
};

cases['our relay, by https in the environment'] = async () => {
	const { file } = ca.sign('DNS:localhost');
	const port = await freePort();
	const relay = await new RealRelay().start(`listen on 127.0.0.1 port ` +
	    `${port} tls certificate "${file}" key ` +
	    `"${file.replace('.pem', '.key')}"\n`);
	const both = ['alpha', 'beta'].map(id => {
		const s = new Site(id);

		Object.assign(s.env, { RELAY_MACHINE_NAME: id,
		    RELAY_REMOTE_URL: `https://localhost:${port}`,
		    RELAY_API_KEY: TOKEN, SSL_CERT_FILE: ca.ca });
		return s;
	});
	const [ann, bob] = await Promise.all([both[0].session('ann'),
	    both[1].session('bob')]);

	await both[0].sees(ann, 'bob@beta');
	const sent = await bob.call('relay_send', { to: 'ann@alpha',
	    text: 'by TLS in TLS' });

	await ann.push({ msg_id: sent.msg_id });
	assert.equal((await both[0].uplink('up')).where,
	    `wss://localhost:${port}`);
	await Promise.all(both.map(s => s.end()));
	await relay.stop();
};

cases['what is no relay'] = async () => {
	const plain = await new FakeRelay().start();

	await (await get(plain.url.replace('ws:', 'wss:'), 'down', /^TLS: /,
	    withCa)).end();
	plain.stop();
	const web = http.createServer((q, answer) => {
		answer.statusCode = 503;
		answer.end('not now');
	}).listen(0, '127.0.0.1');

	await once(web, 'listening');
	await (await get(`ws://127.0.0.1:${web.address().port}/`, 'down',
	    /HTTP status 503/)).end();
	web.close();
};

// A proxy that connects through, or answers as handler does; it keeps what
// it is asked for.
class Proxy {
	constructor(handler)
	{
		this.asked = [];
		this.server = http.createServer();
		this.server.on('connect', (request, socket, head) => {
			this.asked.push(request);
			socket.on('error', () => {});
			if (handler)
				handler(socket, request);
			else
				this.through(request, socket, head);
		});
	}

	through({ url }, socket, head)
	{
		const end = new URL(`http://${url}`);
		const out = net.connect(end.port, end.hostname, () => {
			socket.write('HTTP/1.1 200 OK\r\nX: y\r\n\r\n');
			out.write(head);
			out.pipe(socket).pipe(out);
		});

		out.on('error', () => socket.destroy());
	}

	async start()
	{
		this.server.listen(0, '127.0.0.1');
		await once(this.server, 'listening');
		this.url = `http://127.0.0.1:${this.server.address().port}`;
		return this;
	}

	stop()
	{
		this.server.close();
		this.server.closeAllConnections();
	}
}

async function proxied(relay, state, error, env, more = '')
{
	await (await get(relay.url, state, error, { env, more })).end();
}

cases['through a proxy'] = async () => {
	const relay = await new FakeRelay().start();
	const safe = await new FakeRelay({ tls: ca.sign(HERE) }).start();
	const proxy = await new Proxy().start();

	await proxied(relay, 'up', UP, { http_proxy: proxy.url });
	assert.equal(proxy.asked.length, 1);
	assert.equal(proxy.asked[0].url, `127.0.0.1:${relay.port}`);
	assert.equal(proxy.asked[0].headers.host, `127.0.0.1:${relay.port}`);
	assert.equal(proxy.asked[0].headers['proxy-authorization'], undefined);
	// for wss it is the other variable, in either case of letters
	await proxied(safe, 'up', UP, { https_proxy: proxy.url },
	    withCa.more);
	await proxied(safe, 'up', UP, { HTTPS_PROXY:
	    proxy.url.replace('http://', '') }, withCa.more);
	assert.equal(proxy.asked.length, 3);
	assert.equal(proxy.asked[2].url, `127.0.0.1:${safe.port}`);
	// and neither is for the other kind
	await proxied(relay, 'up', UP, { https_proxy: proxy.url });
	await proxied(safe, 'up', UP, { http_proxy: proxy.url },
	    withCa.more);
	assert.equal(proxy.asked.length, 3);
	proxy.stop();
	safe.stop();
	relay.stop();
};

cases['who is not reached by a proxy'] = async () => {
	const relay = await new FakeRelay().start();
	const proxy = await new Proxy().start();

	for (const no_proxy of ['*', '127.0.0.1', 'a.example, 127.0.0.1 ,b'])
		await proxied(relay, 'up', UP, { no_proxy,
		    http_proxy: proxy.url });
	await proxied(relay, 'up', UP, { NO_PROXY: '127.0.0.1',
	    http_proxy: proxy.url });
	assert.equal(proxy.asked.length, 0);
	await proxied(relay, 'up', UP, { no_proxy: '27.0.0.1,.example',
	    http_proxy: proxy.url });
	assert.equal(proxy.asked.length, 1);
	proxy.stop();
	relay.stop();
};

cases['a proxy that asks who we are'] = async () => {
	const relay = await new FakeRelay().start();
	const proxy = await new Proxy((socket, request) => {
		if (request.headers['proxy-authorization'] === 'Basic ' +
		    Buffer.from('me:a p@ss').toString('base64'))
			proxy.through(request, socket, Buffer.alloc(0));
		else
			socket.end('HTTP/1.1 407 Proxy Authentication ' +
			    'Required\r\nContent-Length: 0\r\n\r\n');
	}).start();

	await proxied(relay, 'up', UP, { http_proxy:
	    proxy.url.replace('//', '//me:a%20p%40ss@') });
	const alpha = await get(relay.url, 'down',
	    /^the proxy refuses: HTTP status 407/, { env: { http_proxy:
		proxy.url.replace('//', '//me:wrongpass@') } });

	assert.ok(!alpha.said().includes('wrongpass'),
	    'the password is in the log');
	await alpha.end();
	proxy.stop();
	relay.stop();
};

cases['proxies that are none'] = async () => {
	const relay = await new FakeRelay().start();
	const answers = [
		['HTTP/1.1 403 Forbidden\r\n\r\n', /status 403/],
		['HTTP/1.1 502 Bad Gateway\r\n\r\n', /status 502/],
		['SSH-2.0-OpenSSH_9.6\r\n\r\n', /does not speak HTTP/],
		['\r\n\r\n', /does not speak HTTP/],
		[`HTTP/1.1 200 OK\r\nX: ${'x'.repeat(9000)}`, /too long/],
		['HTTP/1.1 200', /closed by the proxy/],
		['', /closed by the proxy/],
		['HTTP/1.1 200 OK\r\n\r\n', /closed|reset/],
	];

	for (const [text, error] of answers) {
		const proxy = await new Proxy(s => s.end(text)).start();

		await proxied(relay, 'down', error, { http_proxy: proxy.url });
		proxy.stop();
	}
	assert.equal(relay.requests.length, 0);
	relay.stop();
};

cases['a proxy that does not answer, or is not there'] = async () => {
	const relay = await new FakeRelay().start();
	const proxy = await new Proxy(() => {}).start();
	const half = await new Proxy(s =>
	    s.write('HTTP/1.1 200 OK\r\nX: y\r\n')).start();
	const port = await freePort();

	await Promise.all([
	    proxied(relay, 'down', /no answer of the proxy within 5 s/,
		{ http_proxy: proxy.url }),
	    proxied(relay, 'down', /no answer of the proxy within 5 s/,
		{ http_proxy: half.url })]);
	await proxied(relay, 'down', /^proxy 127.0.0.1: .*refused/i,
	    { http_proxy: `http://127.0.0.1:${port}` });
	await proxied(relay, 'down', /http_proxy is not http:/,
	    { http_proxy: 'socks5://127.0.0.1:1080' });
	proxy.stop();
	half.stop();
	relay.stop();
};

await run('uplinknet.mjs', cases);
