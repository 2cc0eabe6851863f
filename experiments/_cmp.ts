import { readSteps } from './dataset/stepRecords.ts';
import { cellScenario } from './grid/cellScenario.ts';
import { cellOfRecord } from './grid/recordedCell.ts';
import { simulate } from '../sim/simulate.ts';
import { loadSystem } from '../model/system/load.ts';
const runs = readSteps(process.argv.slice(2));
const system = loadSystem('h200-x1-fitted');
const rows: any[] = [];
for (const run of runs) { const sc = cellScenario(cellOfRecord(run)); const plan = sc.plans[0]!; const p = simulate(sc.workload, system, plan, { breakEven: false, verify: false }).report;
 rows.push({ cell: run.cell.id.replace(/-b\d.*/,''), plan: run.plan, t: plan.transport, piece: plan.pieceBytes/2**20, chunk: plan.chunkBytes/2**20, slots: plan.slots, rule: plan.yieldRule, pace: plan.paceS, meas: run.stepS*1e3, sim: p.stepTimeS*1e3, err: p.stepTimeS/run.stepS-1, mad: run.madS/run.stepS, vis: run.visitS.map((v)=>(v*1e3).toFixed(1)).join('/') }); }
rows.sort((a,b)=>a.err-b.err);
for (const r of rows) console.log(r.cell.padEnd(32), r.plan.padEnd(44), String(r.t).padEnd(13), 'pc', r.piece, 'ch', r.chunk, 's', r.slots, r.rule, 'meas', r.meas.toFixed(2), 'sim', r.sim.toFixed(2), 'err%', (r.err*100).toFixed(1), 'vis', r.vis);
const g = (f: (r:any)=>string) => { const m = new Map<string, number[]>(); for (const r of rows) (m.get(f(r)) ?? m.set(f(r), []).get(f(r))!).push(r.err); for (const [k,v] of [...m].sort()) console.log(k.padEnd(40), v.length, 'mean%', (100*v.reduce((a,b)=>a+b,0)/v.length).toFixed(2), 'mape', (100*v.reduce((a,b)=>a+Math.abs(b),0)/v.length).toFixed(2)); };
console.log('--'); g((r)=>r.t); g((r)=>r.cell); g((r)=>`${r.t} piece ${r.piece}`); g((r)=>`rule ${r.rule} ${r.pace>0?'paced':''}`); g(r=>'all');
