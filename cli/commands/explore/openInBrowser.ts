import { spawn } from 'node:child_process';

/** Programs that open an address as the user would, by `process.platform`. */
const OPENERS: Readonly<Record<string, readonly [string, ...string[]]>> = {
  darwin: ['open'],
  win32: ['rundll32', 'url.dll,FileProtocolHandler'],
};

/** Opens an address in the user's browser, where there is a screen and a program that does; the link is printed as well. */
export function openInBrowser(address: string): void {
  const hasScreen = process.platform !== 'linux' || (process.env.DISPLAY ?? process.env.WAYLAND_DISPLAY);
  if (!hasScreen) return;
  const [program, ...args] = OPENERS[process.platform] ?? ['xdg-open'];
  const child = spawn(program, [...args, address], { stdio: 'ignore', detached: true });
  // Without such a program the link is all that there is.
  child.on('error', () => {});
  child.unref();
}
