// Tells the service worker which files are the shell of the on-board page, and a version that changes with them.
import { createHash } from 'node:crypto';

const PLACEHOLDER = '__SHELL_FILES__';
const ALWAYS = ['drive.html', 'manifest.webmanifest', 'icon.svg', 'icon-192.png'];

/** Vite plugin: fills the list of shell files into the service worker. */
export function shell() {
  return {
    name: 'trassa-shell',
    apply: 'build',
    enforce: 'post',
    generateBundle(_options, bundle) {
      const files = new Set(ALWAYS);
      const page = Object.values(bundle).find((chunk) => chunk.type === 'chunk' && chunk.name === 'drive');
      const worker = Object.values(bundle).find((chunk) => chunk.type === 'chunk' && chunk.name === 'drive-sw');
      if (!page || !worker) throw new Error('build: the on-board page or its service worker is missing');
      const visit = (chunk) => {
        if (!chunk || files.has(chunk.fileName)) return;
        files.add(chunk.fileName);
        for (const style of chunk.viteMetadata?.importedCss ?? []) files.add(style);
        for (const name of chunk.imports ?? []) visit(bundle[name]);
      };
      visit(page);
      const list = [...files].sort();
      const version = createHash('sha256').update(JSON.stringify(list)).update(page.code).digest('hex').slice(0, 12);
      if (!worker.code.includes(PLACEHOLDER)) throw new Error('build: the service worker has no place for its files');
      const said = JSON.stringify({ version, files: list.map((name) => (name === 'drive.html' ? '/drive' : `/${name}`)) });
      worker.code = worker.code.replace(new RegExp(`["'\`]${PLACEHOLDER}["'\`]`), () => JSON.stringify(said));
    },
  };
}
