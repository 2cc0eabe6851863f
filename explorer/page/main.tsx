import { render } from 'preact';
import { ModelClient, type ModelWorker } from '../client.ts';
import { Explorer } from './Explorer.tsx';

const model = new ModelClient(() => new Worker('worker.js') as ModelWorker);
render(<Explorer model={model} />, document.getElementById('explorer')!);
