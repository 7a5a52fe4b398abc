import { Module } from '@nestjs/common';
import { Mongo } from '#service/mongodb/mongo.js';
import { BackgroundModule } from '../background/background.module.js';
import { ConnectionsModule } from '../connections.module.js';
import { OperationsModule } from '../operations/operations.module.js';
import { settings } from '../settings.js';
import { ImportJob, ImportReader } from './import-job.js';
import { ImportManifest, ImportRejects } from './import-manifest.js';
import { ImportReceiver } from './import-receiver.js';
import { ImportPlaces, ImportsController, ImportView, RejectsController } from './imports.controller.js';
import { ImportSources } from './incoming-files.js';
import { RowIntake } from './row-intake.js';
import { StagedFiles, StagingRoom } from './staged-files.js';

/** Receives and reads the orders of the legacy system. */
@Module({
  imports: [ConnectionsModule, BackgroundModule, OperationsModule],
  controllers: [ImportsController, RejectsController],
  providers: [
    { provide: ImportSources, useValue: new ImportSources(settings.IMPORT_MAX_BYTES, settings.IMPORT_DIR) },
    { provide: ImportPlaces, useValue: new ImportPlaces(settings) },
    ImportReceiver,
    ImportManifest,
    ImportRejects,
    ImportView,
    StagedFiles,
    { provide: StagingRoom, useFactory: (mongo: Mongo) => new StagingRoom(mongo, settings), inject: [Mongo] },
    RowIntake,
    ImportReader,
    ImportJob,
  ],
})
export class ImportsModule {}
