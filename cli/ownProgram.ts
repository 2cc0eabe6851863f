/** What starts this command line anew, from its sources or built: a program with the arguments in front of the command's own. */
export function ownProgram(): string[] {
  return [process.execPath, ...process.execArgv, process.argv[1]!];
}
