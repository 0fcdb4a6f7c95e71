// Light or dark: as the system prefers until the reader chooses otherwise.

import { byId } from './dom.js';

export function themeSwitch() {
  const button = byId('theme');
  const system = window.matchMedia('(prefers-color-scheme: dark)');
  const dark = () => (document.documentElement.dataset.theme ?? (system.matches ? 'dark' : 'light')) === 'dark';
  const show = () => button.setAttribute('aria-pressed', String(dark()));
  button.addEventListener('click', () => {
    document.documentElement.dataset.theme = dark() ? 'light' : 'dark';
    show();
  });
  system.addEventListener('change', show);
  show();
}
