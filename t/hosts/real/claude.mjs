// SPDX-License-Identifier: ISC
// Claude Code in a terminal, without any flag that allows pushes.

import path from 'node:path';
import { boss, makeHome, openTerminal, play, top, woken } from './stage.mjs';

const tools = ['peers', 'send', 'reply'].map(t => `mcp__relay__relay_${t}`);
const home = makeHome('claude', [`${top}/channeld/channeld`]);

openTerminal('claude', ['--mcp-config', path.join(home, 'mcp.json'),
    '--strict-mcp-config', '--permission-mode', 'default', '--allowedTools',
    tools.join(',')], { ENABLE_TOOL_SEARCH: 'false',
    RELAY_PEER_ID: 'claude' });
await play('claude.mjs', woken(boss, 'claude', { joins: true }));
