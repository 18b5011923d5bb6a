// Gives the reader a file, as a click on a download link does.

export function saveFile({ name, file }: { readonly name: string; readonly file: Blob }): void {
  const address = URL.createObjectURL(file);
  const link = document.createElement('a');
  link.href = address;
  link.download = name;
  link.click();
  // The browser has to read it first; some ask where to before they do.
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}
