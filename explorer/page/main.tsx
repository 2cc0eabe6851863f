import { render } from 'preact';
import { ModelClient, type ModelWorker } from '../client.ts';
import { Explorer } from './Explorer.tsx';
import { giveHostedFiles } from './model/hostedFiles.ts';

const model = new ModelClient(() => new Worker('worker.js') as ModelWorker);
await giveHostedFiles(model);
render(<Explorer model={model} />, document.getElementById('explorer')!);
