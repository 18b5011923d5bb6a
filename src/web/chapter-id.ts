// The chapters' places in the address (`#/train`). Apart from the list of chapters, because chapters
// themselves need the names.

export type ChapterId = 'why' | 'networks' | 'images' | 'train' | 'test' | 'inside' | 'table';
